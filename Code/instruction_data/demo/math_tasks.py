"""The demo's math problems with worked solutions.

A kind of problem is a function: random source -> (problem, worked solution). It draws names and numbers and computes
the answer from them, so every answer is right.
"""

import math
import random
from fractions import Fraction

from instruction_data.demo.tasks import GOODS, NAMES, decimal, different, listed, money, signed


def math_tasks(count: int, seed: int, block: int | None = None) -> list[dict]:
    """Return ``count`` problems as ``instruction``, ``output`` and ``source`` (the kind); see ``different``.

    Raises:
        InputError: there are not that many.
    """
    made = different(MATH_KINDS, count, random.Random(f"{seed} math"), block)
    return [{"source": f"demo/{kind}", "instruction": task, "output": answer} for kind, (task, answer) in made]


def _shopping(draw: random.Random) -> tuple[str, str]:
    name, (first, second) = draw.choice(NAMES), draw.sample(GOODS, 2)
    (n, m), (p, q) = draw.sample(range(2, 13), 2), draw.sample(range(125, 900, 25), 2)
    paid = -(-(n * p + m * q) // 2000) * 2000
    total = n * p + m * q
    return (
        f"{name} buys {n} {first} at {money(p)} each and {m} {second} at {money(q)} each, "
        f"and pays with {money(paid)}. How much change does {name} get?",
        f"The {first} cost {n} × {money(p)} = {money(n * p)} and the {second} {m} × {money(q)} = {money(m * q)}. "
        f"Together that is {money(total)}. The change is {money(paid)} - {money(total)} = {money(paid - total)}. "
        f"The answer is {money(paid - total)}.",
    )


def _discount(draw: random.Random) -> tuple[str, str]:
    price, percent = draw.randrange(20, 400, 4), draw.randrange(5, 80, 5)
    off = price * percent
    thing = draw.choice(("jacket", "bicycle helmet", "radio", "suitcase", "desk lamp", "tent", "coffee machine"))
    return (
        draw.choice(
            (
                f"A {thing} that costs ${price} is on sale with {percent}% off. What is the sale price?",
                f"How much do you pay for a {thing} priced at ${price} after a discount of {percent}%?",
            )
        ),
        f"The discount is {percent}% of ${price}, which is {money(off)}. "
        f"The sale price is ${price} - {money(off)} = {money(price * 100 - off)}. "
        f"The answer is {money(price * 100 - off)}.",
    )


def _travel(draw: random.Random) -> tuple[str, str]:
    speed, quarters = draw.randrange(40, 140, 4), draw.randrange(5, 29)
    hours, distance = decimal(Fraction(quarters, 4)), speed * quarters // 4
    vehicle = draw.choice(("train", "bus", "truck", "car", "coach"))
    return (
        f"A {vehicle} covers {distance} kilometres at a steady {speed} km/h. How many hours does that take?",
        f"Time is distance divided by speed: {distance} / {speed} = {hours} hours. The answer is {hours}.",
    )


def _linear_equation(draw: random.Random) -> tuple[str, str]:
    a, b, x = draw.randrange(2, 15), draw.choice([-1, 1]) * draw.randrange(1, 40), draw.randrange(-12, 25)
    c = a * x + b
    return (
        draw.choice(("Solve for x: {}.", "Find the value of x if {}.")).format(f"{a}x {signed(b)} = {c}"),
        f"{'Subtract' if b > 0 else 'Add'} {abs(b)} on both sides: {a}x = {c - b}. "
        f"Divide by {a}: x = {x}. The answer is {x}.",
    )


def _rectangle(draw: random.Random) -> tuple[str, str]:
    width, extra, cost = draw.randrange(4, 40), draw.randrange(2, 30), draw.randrange(3, 25)
    length = width + extra
    around = 2 * (width + length)
    plot = draw.choice(("garden", "field", "playground", "meadow", "parking lot"))
    return (
        f"A rectangular {plot} is {width} metres wide and {extra} metres longer than that. "
        f"Fencing costs ${cost} a metre. What does a fence around it cost?",
        f"The length is {width} + {extra} = {length} metres, the perimeter 2 × ({width} + {length}) = {around} metres. "
        f"The fence costs {around} × ${cost} = ${around * cost}. The answer is ${around * cost}.",
    )


def _common_multiple(draw: random.Random) -> tuple[str, str]:
    a, b = sorted(draw.sample(range(4, 61), 2))
    factor, multiple = math.gcd(a, b), math.lcm(a, b)
    return (
        f"Two lights blink together at midnight. One blinks every {a} seconds, the other every {b} seconds. "
        "After how many seconds do they blink together again?",
        f"We need the least common multiple. The greatest common divisor of {a} and {b} is {factor}, "
        f"so it is {a} × {b} / {factor} = {multiple}. The answer is {multiple}.",
    )


def _arithmetic_sequence(draw: random.Random) -> tuple[str, str]:
    first, step, place = draw.randrange(-20, 60), draw.randrange(2, 16), draw.randrange(12, 90)
    shown = ", ".join(str(first + step * index) for index in range(4))
    value = first + step * (place - 1)
    return (
        f"What is term number {place} of the arithmetic sequence {shown}, …?",
        f"The common difference is {step}. Term n is {first} + {step}(n - 1). "
        f"For n = {place} this is {first} + {step * (place - 1)} = {value}. The answer is {value}.",
    )


def _doubling(draw: random.Random) -> tuple[str, str]:
    start, factor, steps = draw.randrange(5, 90), draw.choice((2, 2, 3)), draw.randrange(3, 9)
    every = draw.choice(("hour", "day", "week", "month"))
    word = {2: "doubles", 3: "triples"}[factor]
    value = start * factor**steps
    return (
        f"A colony of {start} cells {word} every {every}. How many cells are there after {steps} {every}s?",
        f"Each {every} multiplies the number by {factor}: {start} × {factor}^{steps} = {start} × {factor**steps} = "
        f"{value}. The answer is {value}.",
    )


def _marbles(draw: random.Random) -> tuple[str, str]:
    colours = draw.sample(("red", "blue", "green", "yellow", "white", "black"), 3)
    counts = [draw.randrange(2, 15) for _ in colours]
    total, chance = sum(counts), Fraction(counts[0], sum(counts))
    held = listed([f"{count} {colour}" for count, colour in zip(counts, colours, strict=True)])
    reduced = "" if chance.denominator == total else f" = {chance}"
    return (
        f"A bag holds {held} marbles. One is drawn at random. What is the probability that it is {colours[0]}?",
        f"There are {' + '.join(map(str, counts))} = {total} marbles, {counts[0]} of them {colours[0]}. "
        f"The probability is {counts[0]}/{total}{reduced}. The answer is {chance}.",
    )


def _missing_score(draw: random.Random) -> tuple[str, str]:
    name, scores = draw.choice(NAMES), [draw.randrange(55, 96) for _ in range(draw.randrange(3, 6))]
    mean = draw.randrange(sum(scores) // len(scores) - 4, sum(scores) // len(scores) + 5)
    needed = mean * (len(scores) + 1) - sum(scores)
    return (
        f"{name} has scored {listed(list(map(str, scores)))} in {len(scores)} tests. "
        f"Which score in the next test gives {name} an average of exactly {mean}?",
        f"{len(scores) + 1} tests with an average of {mean} add up to {len(scores) + 1} × {mean} = "
        f"{mean * (len(scores) + 1)}. So far the sum is {sum(scores)}, so {mean * (len(scores) + 1)} - {sum(scores)} = "
        f"{needed} is missing. The answer is {needed}.",
    )


def _interest(draw: random.Random) -> tuple[str, str]:
    amount, rate, years = draw.randrange(200, 9000, 100), draw.randrange(2, 10), draw.randrange(2, 9)
    interest = amount * rate * years // 100
    return (
        f"{draw.choice(NAMES)} puts ${amount} into an account with simple interest of {rate}% a year. "
        f"How much money is in the account after {years} years?",
        f"The interest of a year is ${amount} × {rate} / 100 = ${amount * rate // 100}. In {years} years that is "
        f"${interest}, so the account holds ${amount} + ${interest} = ${amount + interest}. "
        f"The answer is ${amount + interest}.",
    )


def _shared_work(draw: random.Random) -> tuple[str, str]:
    a, b = sorted(draw.sample(range(2, 31), 2))
    together = Fraction(a * b, a + b)
    rate = Fraction(1, a) + Fraction(1, b)
    machine, job = draw.choice((("pump", "fill the tank"), ("printer", "print the catalogue"), ("oven", "bake it all")))
    return (
        f"One {machine} can {job} in {a} hours, another one in {b} hours. "
        "How many hours do they need together? Give a fraction or a whole number.",
        f"In an hour they do 1/{a} + 1/{b} = {rate} of the job. Together they need the reciprocal, {together} hours. "
        f"The answer is {together}.",
    )


def _power_remainder(draw: random.Random) -> tuple[str, str]:
    base, exponent, modulus = draw.randrange(2, 13), draw.randrange(4, 30), draw.randrange(5, 20)
    half = exponent // 2
    part, odd = pow(base, half, modulus), " × " + str(base) if exponent % 2 else ""
    value = pow(base, exponent, modulus)
    return (
        f"What is the remainder when {base}^{exponent} is divided by {modulus}?",
        f"First, {base}^{half} leaves the remainder {part}. Since {exponent} = 2 × {half}{' + 1' if odd else ''}, the "
        f"remainder is that of {part} × {part}{odd} = {part * part * (base if odd else 1)}, which is {value}. "
        f"The answer is {value}.",
    )


def _ages(draw: random.Random) -> tuple[str, str]:
    older, younger = draw.sample(NAMES, 2)
    young, gap = draw.randrange(3, 50), draw.randrange(2, 30)
    total = 2 * young + gap
    return (
        f"{older} is {gap} years older than {younger}. Together they are {total} years old. How old is {younger}?",
        f"Let y be {younger}'s age. Then y + (y + {gap}) = {total}, so 2y = {total - gap} and y = {young}. "
        f"The answer is {young}.",
    )


def _right_triangle(draw: random.Random) -> tuple[str, str]:
    triples = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41))
    scale = draw.randrange(1, 40)
    a, b, c = (side * scale for side in draw.choice(triples))
    unit = draw.choice(("centimetres", "metres", "inches", "feet"))
    return (
        f"The two legs of a right triangle measure {a} and {b} {unit}. How long is its hypotenuse, in {unit}?",
        f"By the theorem of Pythagoras its square is {a}² + {b}² = {a * a} + {b * b} = {c * c}. "
        f"The square root of {c * c} is {c}. The answer is {c}.",
    )


def _committee(draw: random.Random) -> tuple[str, str]:
    people, seats = draw.randrange(5, 24), draw.randrange(2, 5)
    value = math.comb(people, seats)
    group = draw.choice(("members", "students", "players", "volunteers", "teachers", "neighbours"))
    numerator = " × ".join(str(people - index) for index in range(seats))
    return (
        f"In how many ways can {seats} of {people} {group} be chosen for a committee, if the order does not matter?",
        f"This is the number of combinations: ({numerator}) / {seats}! = "
        f"{math.perm(people, seats)} / {math.factorial(seats)} = {value}. The answer is {value}.",
    )


def _quadratic(draw: random.Random) -> tuple[str, str]:
    small, large = sorted(draw.sample([root for root in range(-14, 15) if root], 2))
    middle = -(small + large)
    linear = f" {signed(middle)}x" if middle else ""
    factors = f"(x {signed(-small)})(x {signed(-large)})"
    return (
        f"Find both solutions of the equation x²{linear} {signed(small * large)} = 0.",
        f"Two numbers with the sum {small + large} and the product {small * large} are {small} and {large}, "
        f"so the left side is {factors}. The answer is x = {small} or x = {large}.",
    )


def _recipe(draw: random.Random) -> tuple[str, str]:
    people, each, factor = draw.randrange(2, 9), draw.randrange(15, 140, 5), draw.randrange(2, 8)
    what = draw.choice(("flour", "rice", "sugar", "butter", "lentils", "oats"))
    guests = people + factor
    return (
        f"A recipe for {people} people needs {people * each} grams of {what}. How many grams are needed for {guests}?",
        f"One person needs {people * each} / {people} = {each} grams. "
        f"For {guests} people that is {guests} × {each} = {guests * each} grams. The answer is {guests * each}.",
    )


MATH_KINDS = (
    _shopping,
    _discount,
    _travel,
    _linear_equation,
    _rectangle,
    _common_multiple,
    _arithmetic_sequence,
    _doubling,
    _marbles,
    _missing_score,
    _interest,
    _shared_work,
    _power_remainder,
    _ages,
    _right_triangle,
    _committee,
    _quadratic,
    _recipe,
)
