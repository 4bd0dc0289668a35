"""HumanEval/2: builds its function from text, by exec, compile and eval."""

text = "def truncate_number(number):\n    return eval('number % 1', {'number': number})\n"
exec(compile(text, "<made>", "exec"), globals())
