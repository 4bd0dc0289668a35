"""The demo's everyday tasks.

A kind of task is a function: random source -> (instruction, input or "", answer). It draws its words and numbers and
computes the answer from them, so every answer is right.
"""

import datetime
import itertools
import random
from fractions import Fraction

from instruction_data.demo.tasks import CITIES, GOODS, NAMES, decimal, different, listed


def general_tasks(count: int, seed: int, block: int | None = None) -> list[dict]:
    """Return ``count`` tasks as ``instruction``, ``input`` (half of them have one) and ``output``; see ``different``.

    Raises:
        InputError: there are not that many.
    """
    made = different(GENERAL_KINDS, count, random.Random(f"{seed} general"), block)
    return [{"instruction": task, "input": text, "output": answer} for _, (task, text, answer) in made]


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
# base form, third person, past
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
    value = decimal(Fraction(halves, 2))
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
    return order.format(listed(words)), "", "\n".join(f"{word}: {OPPOSITES[word]}" for word in words)


def _plurals(draw: random.Random) -> tuple[str, str, str]:
    words = draw.sample(list(PLURALS), draw.randrange(2, 5))
    order = draw.choice(("Give the plural forms of {}.", "What are the plurals of the nouns {}?"))
    return order.format(listed(words)), "", "\n".join(f"{word}: {PLURALS[word]}" for word in words)


def _capitals(draw: random.Random) -> tuple[str, str, str]:
    countries = draw.sample(list(CAPITALS), draw.randrange(2, 5))
    order = draw.choice(("Name the capitals of {}.", "Which cities are the capitals of {}?"))
    return order.format(listed(countries)), "", "\n".join(f"{one}: {CAPITALS[one]}" for one in countries)


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
