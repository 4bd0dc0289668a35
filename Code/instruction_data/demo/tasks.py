"""The demo's tasks of the other two domains: math problems and everyday tasks, in our own words.

Every kind of task is a function of a random source: it draws names and numbers and computes the answer from them, so
that the answer is right by construction. The kinds take turns; no task comes twice.
"""

import datetime
import itertools
import math
import random
from collections.abc import Callable
from fractions import Fraction

from instruction_data.errors import InputError

ATTEMPTS = 50  # draws in a row without a new task until a kind counts as used up

NAMES = (
    "Amina",
    "Ben",
    "Carla",
    "Dmitri",
    "Elena",
    "Farid",
    "Grace",
    "Hiro",
    "Ines",
    "Jonas",
    "Kavya",
    "Liam",
    "Mei",
    "Noor",
    "Oscar",
    "Priya",
    "Rosa",
    "Sam",
)
GOODS = ("notebooks", "pencils", "oranges", "mugs", "candles", "postcards", "plants", "lamps", "scarves", "bowls")
CITIES = (
    "Lisbon",
    "Oslo",
    "Cairo",
    "Lima",
    "Seoul",
    "Nairobi",
    "Prague",
    "Hanoi",
    "Quito",
    "Dublin",
    "Athens",
    "Toronto",
)


def math_tasks(count: int, seed: int) -> list[dict]:
    """``count`` worked problems as ``instruction``, ``output`` and ``source`` (the kind).

    Raises:
        InputError: there are not that many.
    """
    tasks = _tasks(MATH_KINDS, count, random.Random(f"{seed} math"))
    return [{"source": f"demo/{kind}", "instruction": task, "output": answer} for kind, (task, answer) in tasks]


def general_tasks(count: int, seed: int) -> list[dict]:
    """``count`` everyday tasks as ``instruction``, ``input`` (half of them have one) and ``output``.

    Raises:
        InputError: there are not that many.
    """
    tasks = _tasks(GENERAL_KINDS, count, random.Random(f"{seed} general"))
    return [{"instruction": task, "input": text, "output": answer} for _, (task, text, answer) in tasks]


def _tasks(kinds: tuple[Callable, ...], count: int, source: random.Random) -> list[tuple[str, tuple[str, ...]]]:
    """Tasks of every kind in turn, each with its kind's name, in random order; what is asked is never asked twice."""
    result, seen, live = [], set(), list(kinds)
    while live and len(result) < count:
        for kind in live[: count - len(result)]:
            draws = (kind(source) for _ in range(ATTEMPTS))
            task = next((draw for draw in draws if draw[:-1] not in seen), None)
            if task is None:
                live.remove(kind)
            else:
                seen.add(task[:-1])
                result.append((kind.__name__.strip("_"), task))
    if len(result) < count:
        raise InputError(f"found {len(result):,} different tasks; expected {count:,}: ask for fewer with --others")
    source.shuffle(result)
    return result


def _money(cents: int) -> str:
    return f"${cents // 100}" if cents % 100 == 0 else f"${cents // 100}.{cents % 100:02d}"


def _decimal(value: Fraction) -> str:
    """A fraction whose decimal form ends, in that form."""
    return f"{float(value):.4f}".rstrip("0").rstrip(".")


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _signed(value: int) -> str:
    return f"- {-value}" if value < 0 else f"+ {value}"


# --- math: random source -> (problem, worked solution)


def _shopping(draw: random.Random) -> tuple[str, str]:
    name, (first, second) = draw.choice(NAMES), draw.sample(GOODS, 2)
    (n, m), (p, q) = draw.sample(range(2, 13), 2), draw.sample(range(125, 900, 25), 2)
    paid = -(-(n * p + m * q) // 2000) * 2000
    total = n * p + m * q
    return (
        f"{name} buys {n} {first} at {_money(p)} each and {m} {second} at {_money(q)} each, "
        f"and pays with {_money(paid)}. How much change does {name} get?",
        f"The {first} cost {n} × {_money(p)} = {_money(n * p)} and the {second} {m} × {_money(q)} = {_money(m * q)}. "
        f"Together that is {_money(total)}. The change is {_money(paid)} - {_money(total)} = {_money(paid - total)}. "
        f"The answer is {_money(paid - total)}.",
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
        f"The discount is {percent}% of ${price}, which is {_money(off)}. "
        f"The sale price is ${price} - {_money(off)} = {_money(price * 100 - off)}. "
        f"The answer is {_money(price * 100 - off)}.",
    )


def _travel(draw: random.Random) -> tuple[str, str]:
    speed, quarters = draw.randrange(40, 140, 4), draw.randrange(5, 29)
    hours, distance = _decimal(Fraction(quarters, 4)), speed * quarters // 4
    vehicle = draw.choice(("train", "bus", "truck", "car", "coach"))
    return (
        f"A {vehicle} covers {distance} kilometres at a steady {speed} km/h. How many hours does that take?",
        f"Time is distance divided by speed: {distance} / {speed} = {hours} hours. The answer is {hours}.",
    )


def _linear_equation(draw: random.Random) -> tuple[str, str]:
    a, b, x = draw.randrange(2, 15), draw.choice([-1, 1]) * draw.randrange(1, 40), draw.randrange(-12, 25)
    c = a * x + b
    return (
        draw.choice(("Solve for x: {}.", "Find the value of x if {}.")).format(f"{a}x {_signed(b)} = {c}"),
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
    held = _listed([f"{count} {colour}" for count, colour in zip(counts, colours, strict=True)])
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
        f"{name} has scored {_listed(list(map(str, scores)))} in {len(scores)} tests. "
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
    linear = f" {_signed(middle)}x" if middle else ""
    factors = f"(x {_signed(-small)})(x {_signed(-large)})"
    return (
        f"Find both solutions of the equation x²{linear} {_signed(small * large)} = 0.",
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


# --- general: random source -> (instruction, input or "", answer)

GROUPS = {
    "animals": "badger camel dolphin eagle ferret giraffe hedgehog jaguar koala lizard otter penguin rabbit tiger",
    "fruits": "apple banana cherry fig grape lemon mango melon orange papaya peach pear plum raspberry",
    "tools": "chisel drill file hammer ladder pliers rake saw screwdriver shovel spanner trowel",
    "musical instruments": "accordion banjo cello clarinet drum flute guitar harp oboe piano trumpet violin",
    "vehicles": "ambulance bicycle bus canoe ferry helicopter lorry motorcycle scooter tractor train tram",
    "pieces of clothing": "belt blouse coat dress glove hat jacket jumper scarf shirt skirt sock",
}
GROUPS = {group: words.split() for group, words in GROUPS.items()}
OPPOSITES = {
    "hot": "cold",
    "early": "late",
    "wide": "narrow",
    "heavy": "light",
    "deep": "shallow",
    "loud": "quiet",
    "full": "empty",
    "rough": "smooth",
    "ancient": "modern",
    "brave": "cowardly",
    "generous": "stingy",
    "sharp": "blunt",
    "wet": "dry",
    "rare": "common",
    "strong": "weak",
}
PLURALS = {
    "child": "children",
    "leaf": "leaves",
    "box": "boxes",
    "city": "cities",
    "mouse": "mice",
    "tooth": "teeth",
    "knife": "knives",
    "hero": "heroes",
    "sheep": "sheep",
    "woman": "women",
    "bus": "buses",
    "story": "stories",
    "goose": "geese",
    "wolf": "wolves",
    "key": "keys",
}
CAPITALS = {
    "France": "Paris",
    "Japan": "Tokyo",
    "Peru": "Lima",
    "Egypt": "Cairo",
    "Kenya": "Nairobi",
    "Norway": "Oslo",
    "Portugal": "Lisbon",
    "Vietnam": "Hanoi",
    "Greece": "Athens",
    "Ireland": "Dublin",
    "Ecuador": "Quito",
    "Austria": "Vienna",
    "Cuba": "Havana",
    "Poland": "Warsaw",
    "Hungary": "Budapest",
    "Thailand": "Bangkok",
}
# base form, form with he or she, past
VERBS = (
    ("walk to", "walks to", "walked to"),
    ("visit", "visits", "visited"),
    ("drive to", "drives to", "drove to"),
    ("leave", "leaves", "left"),
    ("see", "sees", "saw"),
    ("paint", "paints", "painted"),
    ("think of", "thinks of", "thought of"),
    ("write about", "writes about", "wrote about"),
    ("run past", "runs past", "ran past"),
    ("draw", "draws", "drew"),
)
PLACES = (
    "the market",
    "the library",
    "the old bridge",
    "the harbour",
    "the museum",
    "the railway station",
    "the town hall",
    "the garden",
    "the lake",
)
TIMES = ("every morning", "on Mondays", "after lunch", "before school", "every weekend", "in the evening")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVENTS = ("a chess evening", "a book swap", "a picnic", "a concert", "a quiz night", "a bicycle tour", "a film night")


def _past_tense(draw: random.Random) -> tuple[str, str, str]:
    (_, present, past), name, place, time = _sentence_parts(draw)
    order = draw.choice(("Rewrite the sentence in the past tense.", "Put this sentence into the past tense."))
    return order, f"{name} {present} {place} {time}.", f"{name} {past} {place} {time}."


def _grammar(draw: random.Random) -> tuple[str, str, str]:
    (base, present, _), name, place, time = _sentence_parts(draw)
    order = draw.choice(("Correct the grammar mistake in this sentence.", "Fix the verb in the following sentence."))
    return order, f"{name} {base} {place} {time}.", f"{name} {present} {place} {time}."


def _question_form(draw: random.Random) -> tuple[str, str, str]:
    (base, present, _), name, place, time = _sentence_parts(draw)
    order = draw.choice(("Turn the statement into a yes-or-no question.", "Ask a yes-or-no question about this fact."))
    return order, f"{name} {present} {place} {time}.", f"Does {name} {base} {place} {time}?"


def _sentence_parts(draw: random.Random) -> tuple[tuple[str, str, str], str, str, str]:
    return draw.choice(VERBS), draw.choice(NAMES), draw.choice(PLACES), draw.choice(TIMES)


def _alphabetical(draw: random.Random) -> tuple[str, str, str]:
    words = draw.sample(list(itertools.chain(*GROUPS.values())), draw.randrange(4, 8))
    order = draw.choice(("Put these words in alphabetical order.", "Sort the following words from A to Z."))
    return order, ", ".join(words), ", ".join(sorted(words))


def _odd_one_out(draw: random.Random) -> tuple[str, str, str]:
    group, other = draw.sample(list(GROUPS), 2)
    stranger = draw.choice(GROUPS[other])
    words = [*draw.sample(GROUPS[group], 3), stranger]
    draw.shuffle(words)
    order = draw.choice(("Which of these words does not belong with the others, and why?", "Find the odd one out."))
    return order, ", ".join(words), f'"{stranger.capitalize()}" does not belong: the other three are {group}.'


def _classify(draw: random.Random) -> tuple[str, str, str]:
    chosen = draw.sample(list(GROUPS), 2)
    parts = {group: draw.sample(GROUPS[group], draw.randrange(2, 4)) for group in chosen}
    words = list(itertools.chain(*parts.values()))
    draw.shuffle(words)
    answer = "\n".join(
        f"{group.capitalize()}: {', '.join(word for word in words if word in parts[group])}" for group in chosen
    )
    return f"Sort these words into two groups: {chosen[0]} and {chosen[1]}.", ", ".join(words), answer


def _extract(draw: random.Random) -> tuple[str, str, str]:
    name, city = draw.choice(NAMES), draw.choice(CITIES)
    phone = f"555-{draw.randrange(100, 1000)}-{draw.randrange(1000, 10000)}"
    day, hour = draw.choice(DAYS), draw.randrange(8, 19)
    text = f"Hello, this is {name} from the {city} office. I am in on {day} from {hour}:00. Please call me on {phone}."
    asked, answer = draw.choice(
        (("phone number", phone), ("name of the caller", name), ("day", day), ("city", city), ("time", f"{hour}:00"))
    )
    return f"Extract the {asked} from the message.", text, answer


def _sentiment(draw: random.Random) -> tuple[str, str, str]:
    good = draw.random() < 0.5
    thing = draw.choice(("hotel", "restaurant", "headphones", "film", "bookshop", "bakery", "museum", "umbrella"))
    verb = "were" if thing == "headphones" else "was"
    first, second = draw.sample(
        ("excellent", "a delight", "better than I had hoped", "worth every cent", "a pleasure from start to end")
        if good
        else ("a disappointment", "far too expensive", "worse than I had feared", "not worth it", "a waste of time"),
        2,
    )
    end = draw.choice(("I will be back.", "My friends agree.") if good else ("Never again.", "I want my money back."))
    text = f"The {thing} {verb} {first}. All in all, the {thing} {verb} {second}. {end}"
    return "Is this review positive or negative?", text, "Positive" if good else "Negative"


def _reading(draw: random.Random) -> tuple[str, str, str]:
    name, friend = draw.sample(NAMES, 2)
    city, thing, price, day = draw.choice(CITIES), draw.choice(GOODS), draw.randrange(3, 60), draw.choice(DAYS)
    text = f"On {day}, {name} met {friend} in {city}. They looked for {thing} and spent ${price} on them."
    asked, answer = draw.choice(
        (
            (f"Whom did {name} meet?", f"{name} met {friend}."),
            ("Where did the two meet?", f"They met in {city}."),
            ("What did they buy?", f"They bought {thing}."),
            ("How much did they spend?", f"They spent ${price}."),
            ("On which day did they meet?", f"They met on {day}."),
        )
    )
    return f"Read the text and answer the question: {asked}", text, answer


def _convert_units(draw: random.Random) -> tuple[str, str, str]:
    large, small, factor = draw.choice(
        (
            ("kilometres", "metres", 1000),
            ("kilograms", "grams", 1000),
            ("hours", "minutes", 60),
            ("metres", "centimetres", 100),
            ("days", "hours", 24),
            ("feet", "inches", 12),
            ("litres", "millilitres", 1000),
        )
    )
    halves = draw.randrange(3, 160)
    value = _decimal(Fraction(halves, 2))
    order = draw.choice(("Convert {} {} to {}.", "How much is {} {} in {}?")).format(value, large, small)
    return order, "", f"{value} {large} are {halves * factor // 2} {small}."


def _date_form(draw: random.Random) -> tuple[str, str, str]:
    date = datetime.date(1950, 1, 1) + datetime.timedelta(days=draw.randrange(30_000))
    text = f"{date.day} {_month(date)} {date.year}"
    if draw.random() < 0.5:
        return f"Write the date {text} in the form YYYY-MM-DD.", "", date.isoformat()
    return f"Write the date {date.isoformat()} in words, as in 5 May 1999.", "", text


def _month(date: datetime.date) -> str:
    names = "January February March April May June July August September October November December"
    return names.split()[date.month - 1]


def _weekday(draw: random.Random) -> tuple[str, str, str]:
    start, days = draw.randrange(7), draw.randrange(3, 90)
    answer = f"{days} = {days // 7} × 7 + {days % 7}, so it will be {DAYS[(start + days) % 7]}."
    return f"Today is {DAYS[start]}. Which day of the week will it be in {days} days?", "", answer


def _clock(draw: random.Random) -> tuple[str, str, str]:
    start, minutes = draw.randrange(0, 1440, 5), draw.randrange(15, 400, 5)
    end = start + minutes
    what = draw.choice(("film", "meeting", "train ride", "football match", "lecture"))
    order = f"A {what} starts at {_time(start)} and takes {minutes} minutes. When does it end? Use the 24-hour clock."
    return order, "", f"It ends at {_time(end)}{' on the next day' if end >= 1440 else ''}."


def _time(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def _name_some(draw: random.Random) -> tuple[str, str, str]:
    group, number = draw.choice(list(GROUPS)), draw.randrange(2, 6)
    letter = draw.choice(sorted({word[0] for word in GROUPS[group]}))
    words = draw.sample([word for word in GROUPS[group] if word[0] != letter], number)
    order = draw.choice(("Name", "List", "Give me")) + f" {number} {group} whose names do not begin with "
    return f'{order}the letter "{letter.upper()}".', "", "\n".join(f"- {word}" for word in words)


def _opposites(draw: random.Random) -> tuple[str, str, str]:
    words = draw.sample(list(OPPOSITES), draw.randrange(2, 5))
    order = draw.choice(("What are the opposites of {}?", "Give an antonym for each of these adjectives: {}."))
    return order.format(_listed(words)), "", "\n".join(f"{word}: {OPPOSITES[word]}" for word in words)


def _plurals(draw: random.Random) -> tuple[str, str, str]:
    words = draw.sample(list(PLURALS), draw.randrange(2, 5))
    order = draw.choice(("Give the plural forms of {}.", "What are the plurals of the nouns {}?"))
    return order.format(_listed(words)), "", "\n".join(f"{word}: {PLURALS[word]}" for word in words)


def _capitals(draw: random.Random) -> tuple[str, str, str]:
    countries = draw.sample(list(CAPITALS), draw.randrange(2, 5))
    order = draw.choice(("Name the capitals of {}.", "Which cities are the capitals of {}?"))
    return order.format(_listed(countries)), "", "\n".join(f"{one}: {CAPITALS[one]}" for one in countries)


def _invitation(draw: random.Random) -> tuple[str, str, str]:
    name, event, day = draw.choice(NAMES), draw.choice(EVENTS), draw.choice(DAYS)
    place, hour = draw.choice(PLACES), draw.randrange(4, 10)
    order = f"Write a short invitation to {event} at {place} on {day} at {hour} pm, signed by {name}."
    text = f"Dear friends,\n\nI would like to invite you to {event} at {place} on {day}. We begin at {hour} pm. "
    return order, "", f"{text}Please let me know whether you can come.\n\nKind regards,\n{name}"


GENERAL_KINDS = (
    _past_tense,
    _convert_units,
    _alphabetical,
    _date_form,
    _odd_one_out,
    _weekday,
    _classify,
    _clock,
    _extract,
    _name_some,
    _sentiment,
    _opposites,
    _grammar,
    _plurals,
    _reading,
    _capitals,
    _question_form,
    _invitation,
)
