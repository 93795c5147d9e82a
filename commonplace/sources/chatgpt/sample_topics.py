"""What the sample export talks about. Each topic is told once per thing, so a few pages make a whole archive."""

from __future__ import annotations

from typing import Literal

import msgspec

Turn = tuple[Literal["user", "assistant"], str]


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """Conversations of one kind. `{thing}` and `{detail}` stand for one of `things`."""

    title: str
    things: tuple[tuple[str, str], ...]
    turns: tuple[Turn, ...]
    project: str | None = None
    model: str = "gpt-4o"
    extra: Literal["image", "code", "source", "branch", "thoughts"] | None = None
    reply: str = ""
    """The other answer of a branch, the code that was run, or the caption of an image."""


TOPICS = (
    Topic(
        title="Kitchen: choosing {thing}",
        project="kitchen",
        things=(
            ("a worktop", "oiled oak"),
            ("an induction hob", "two flexible zones"),
            ("lights above the counter", "warm white strips"),
        ),
        turns=(
            (
                "user",
                "We are renovating a kitchen of 11 m² in an old building. Which questions should I ask about {thing}?",
            ),
            (
                "assistant",
                "Before you decide on {thing}, settle four things:\n\n1. **Use**: how often do you really cook?\n"
                "2. **Care**: what are you willing to clean or oil every year?\n3. **Fit**: pipes, sockets and the "
                "wall behind."
                "\n4. **Budget**: including delivery and fitting, plus 15 % for surprises.",
            ),
            ("user", "We cook daily and have 900 euros for it. What would you take?"),
            (
                "assistant",
                "Then I would take {detail}. It forgives daily use and stays within 900 euros if you fit it "
                "yourselves.",
            ),
        ),
        extra="image",
        reply="a small bright kitchen with {detail}, morning light, watercolour",
    ),
    Topic(
        title="Kitchen budget, {thing}",
        project="kitchen",
        things=(("first estimate", "14,200"), ("after the plumber", "15,650"), ("final invoice", "15,480")),
        turns=(
            (
                "user",
                "Add this up for me: cupboards 6,400, worktop 900, appliances 3,100, electrics 2,300. What is missing?",
            ),
            (
                "assistant",
                "| item | euros |\n|---|---:|\n| cupboards | 6,400 |\n| worktop | 900 |\n| appliances | 3,100 |\n"
                "| electrics | 2,300 |\n| **so far** | **12,700** |\n\nPlumbing, tiles and waste disposal are missing. "
                "With those I get about {detail} euros.",
            ),
        ),
        extra="code",
        reply="parts = [6400, 900, 3100, 2300]\nprint(sum(parts))",
    ),
    Topic(
        title="Trailmap: {thing}",
        project="trailmap",
        model="gpt-5",
        things=(
            ("simplify GPS tracks", "Douglas-Peucker with a tolerance of five metres"),
            ("offline map tiles", "a small cache keyed by zoom, x and y"),
            ("a test for the importer", "a property test over random tracks"),
        ),
        turns=(
            ("user", "My hiking app gets slow with long tracks. I am looking at this: {thing}. How would you start?"),
            (
                "assistant",
                "Start by measuring, then use {detail}. A sketch:\n\n```python\nfrom collections.abc import "
                "Iterator\n\n\n"
                "def thinned(points: list[Point], tolerance_m: float) -> Iterator[Point]:\n    last = None\n"
                "    for point in points:\n        if last is None or distance(last, point) >= tolerance_m:\n"
                "            yield point\n            last = point\n```\n\nKeep the first and the last point in any "
                "case.",
            ),
            ("user", "What about tracks that cross themselves?"),
            (
                "assistant",
                "They stay correct: thinning looks at neighbours along the track only, never at the shape as a whole.",
            ),
        ),
        extra="branch",
        reply="You could also leave the tracks alone and draw fewer points at low zoom. {detail} can wait until then.",
    ),
    Topic(
        title="Database error in Trailmap: {thing}",
        project="trailmap",
        model="o3",
        things=(
            ("database is locked", "write-ahead logging and a busy timeout"),
            ("no such column", "a migration that also runs on old files"),
            ("slow spatial query", "an R-tree index over the bounding boxes"),
        ),
        turns=(
            ("user", "SQLite says `{thing}` as soon as two people save a route. What is the cause?"),
            ("assistant", "Two writers meet. What helps here is {detail}.\n\n```sql\nPRAGMA journal_mode = WAL;\n```"),
        ),
        extra="thoughts",
        reply="The message is about concurrent writers. The default journal blocks readers, too. Suggest {detail} "
        "first.",
    ),
    Topic(
        title="Crumb & Crust, issue on {thing}",
        project="newsletter",
        things=(
            ("rye starters", "feed it rye in the evening and wheat in the morning"),
            ("baking without a Dutch oven", "a hot tray and a cup of water do the same"),
            ("flour from small mills", "ask for the milling date"),
        ),
        turns=(
            ("user", "I write a newsletter about bread for 800 readers. Suggest an opening for the issue on {thing}."),
            (
                "assistant",
                "*Last Sunday my loaf came out flat, and it was my own fault.*\n\nFrom there you can come to {thing}: "
                "a mistake everybody knows, then the one tip that helps: {detail}.",
            ),
            ("user", "Shorter, and please no exclamation marks."),
            ("assistant", "*My loaf was flat again. This time I asked a miller.* One tip for you: {detail}."),
        ),
        extra="branch",
        reply="*What do bakers do while the rest of us sleep?* They mind one rule: {detail}.",
    ),
    Topic(
        title="Thesis: {thing}",
        project="thesis",
        model="gpt-5",
        things=(
            ("moss as a witness of clean air", "bioindicators"),
            ("sampling plan for 24 sites", "stratified sampling"),
            ("mixed models in R", "random intercepts per site"),
        ),
        turns=(
            ("user", "For my thesis on urban moss I need a paragraph about {thing}. Explain {detail} to me first."),
            (
                "assistant",
                "In one sentence: {detail} lets you say something about the whole city from a few places. Mosses "
                "have no roots, "
                "so they take up what the air brings. \ue200cite\ue202turn0search0\ue201",
            ),
            ("user", "And how many samples are enough?"),
            (
                "assistant",
                "Let a pilot study of five sites tell you the variance, then compute it. Twenty to thirty is usual.",
            ),
        ),
        extra="source",
        reply="Mosses as biomonitors|https://example.org/moss-biomonitors",
    ),
    Topic(
        title="{thing} for six",
        things=(
            ("Mushroom risotto", "dried porcini"),
            ("Red lentil dal", "whole cumin seeds"),
            ("Miso ramen", "white sesame paste"),
        ),
        turns=(
            ("user", "I have six guests on Saturday, one of them vegan. How do I make {thing} without stress?"),
            (
                "assistant",
                "Cook the base on Friday and finish it on Saturday.\n\n- **The day before:** stock and {detail}\n"
                "- **One hour before:** chop everything, set the table\n- **At the table:** herbs, lemon, something "
                "crunchy\n\n"
                "Leave butter and cheese for the end, then the vegan plate is simply served first.",
            ),
        ),
        extra="image",
        reply="a steaming bowl of {thing} with {detail}, seen from above, pencil drawing",
    ),
    Topic(
        title="Drei Tage in {thing}",
        things=(("Leipzig", "dem Völkerschlachtdenkmal"), ("Graz", "dem Schlossberg"), ("Basel", "dem Münsterhügel")),
        turns=(
            (
                "user",
                "Wir sind im Mai drei Tage in {thing}, mit zwei Kindern (6 und 9). Was lohnt sich auch bei Regen?",
            ),
            (
                "assistant",
                "Für {thing} würde ich jeden Tag nur *einen* festen Punkt planen:\n\n1. vormittags ein Museum zum "
                "Anfassen,\n"
                "2. mittags ein Markt,\n3. nachmittags frische Luft, zum Beispiel bei {detail}.\n\n"
                "Bei Regen tauscht ihr einfach die Reihenfolge.",
            ),
            ("user", "Wie kommen wir ohne Auto hin?"),
            (
                "assistant",
                "Mit der Bahn. Kinder unter 15 fahren auf der Karte der Eltern oft mit; reserviert Plätze am Tisch.",
            ),
        ),
    ),
    Topic(
        title="Kündigung {thing}",
        things=(
            ("Fitnessstudio", "vier Wochen zum Monatsende"),
            ("Handyvertrag", "einen Monat nach der Mindestlaufzeit"),
            ("Zeitschrift", "jederzeit zum nächsten Heft"),
        ),
        turns=(
            ("user", "Schreib mir bitte eine höfliche, kurze Kündigung: {thing}. Die Frist beträgt {detail}."),
            (
                "assistant",
                "> Sehr geehrte Damen und Herren,\n>\n> hiermit kündige ich meinen Vertrag fristgerecht zum "
                "nächstmöglichen "
                "Zeitpunkt. Bitte bestätigen Sie mir das Ende schriftlich.\n>\n> Mit freundlichen Grüßen",
            ),
        ),
    ),
    Topic(
        title="Un mot en français : {thing}",
        things=(("dépaysement", "être ailleurs"), ("flâner", "marcher sans but"), ("retrouvailles", "se revoir")),
        turns=(
            ("user", "Que veut dire « {thing} » et comment l'utiliser dans une phrase ?"),
            (
                "assistant",
                "« {thing} » évoque l'idée d'{detail}. Exemple : « Ce voyage, quel plaisir ! » Le ton est familier.",
            ),
        ),
    ),
    Topic(
        title="日本語で{thing}",
        things=(("道をたずねる", "駅"), ("注文する", "おすすめ"), ("自己紹介", "趣味")),
        turns=(
            ("user", "{thing}時に使う、丁寧で短い言い方を教えてください。"),
            ("assistant", "「すみません、{detail}についてお聞きしてもいいですか。」ゆっくり、笑顔で話せば大丈夫です。"),
        ),
    ),
    Topic(
        title="Recetas de mi abuela: {thing}",
        things=(("tortilla de patatas", "la cebolla"), ("gazpacho", "el comino"), ("arroz con leche", "la canela")),
        turns=(
            ("user", "¿Cuál es el secreto de {thing}? Mi abuela nunca lo contó."),
            ("assistant", "Casi siempre es {detail}, y el tiempo: fuego suave y nada de prisa."),
        ),
    ),
    Topic(
        title="Rename files by {thing}",
        model="gpt-4o-mini",
        things=(("date taken", "%Y-%m-%d"), ("camera model", "%s"), ("folder name", "%03d")),
        turns=(
            ("user", "I have 4,000 photos and want to rename them by {thing}. Bash or Python?"),
            (
                "assistant",
                "Python, because you will want a dry run:\n\n```python\nfrom pathlib import Path\n\n"
                "PATTERN = '{detail}'\nfor number, photo in enumerate(sorted(Path('photos').glob('*.jpg'))):\n"
                "    print(photo.name, '->', new_name(photo, number, PATTERN))\n```\n\n"
                "Replace `print` by `photo.rename` once the list looks right.",
            ),
        ),
        extra="code",
        reply="print('IMG_0001.jpg', '->', '001.jpg')",
    ),
    Topic(
        title="Explain {thing} like a neighbour would",
        things=(
            ("compound interest", "interest that earns interest"),
            ("how vaccines work", "a rehearsal for the immune system"),
            ("why the sky is blue", "short waves being scattered more"),
        ),
        turns=(
            ("user", "Explain {thing} in five sentences, without formulas."),
            (
                "assistant",
                "Imagine telling it over the garden fence. {thing} comes down to {detail}. It looks like magic "
                "because it is slow "
                "at first. Then it adds up. That is really all there is to it.",
            ),
            ("user", "My daughter is eight. Would she get it?"),
            ("assistant", "Yes, if you let her do it with marbles: one for each step, and she counts them herself."),
        ),
    ),
    Topic(
        title="Running plan: {thing}",
        things=(
            ("first 10 km", "three runs a week"),
            ("half marathon", "four runs a week"),
            ("after a cold", "walks first"),
        ),
        turns=(
            ("user", "I am 44 and run about 15 km a week. Make me a careful plan: {thing}."),
            (
                "assistant",
                "Eight weeks, {detail}. Increase by at most a tenth per week, and make every fourth week an easy "
                "one. If something "
                "hurts for three days in a row, see a doctor instead of the plan.",
            ),
        ),
    ),
    Topic(
        title="Reply to {thing}",
        things=(
            ("a difficult e-mail", "Thursday at ten"),
            ("a job offer", "the end of next week"),
            ("the landlord", "before the first of the month"),
        ),
        turns=(
            ("user", "Help me to answer {thing}: friendly, firm, four sentences."),
            (
                "assistant",
                "Thank you for your message. I have read it carefully and would like to talk it through in person. "
                "Would {detail} suit you? Until then I will leave everything as it is.",
            ),
        ),
        extra="branch",
        reply="Thanks, I got your message. Let us settle it {detail}; I will call you.",
    ),
    Topic(
        title="Book club: {thing}",
        things=(
            ("Middlemarch", "what would Dorothea study today?"),
            ("The Left Hand of Darkness", "who is a stranger here?"),
            ("Momo", "who steals our time?"),
        ),
        turns=(
            ("user", "Our book club reads {thing} next. Give me three questions that start a conversation."),
            (
                "assistant",
                "1. Which scene did you read twice, and why?\n2. Who changes most without noticing?\n3. And the one "
                "for the end: "
                "{detail}",
            ),
        ),
    ),
    Topic(
        title="Balcony garden: {thing}",
        things=(("tomatoes", "a sunny corner and a stake"), ("herbs", "poor soil"), ("bees", "borage and thyme")),
        turns=(
            ("user", "North-west balcony, third floor, some wind. What should I know about {thing}?"),
            (
                "assistant",
                "The main thing is {detail}. Water in the morning, and start small: three pots teach more than ten.",
            ),
        ),
        extra="image",
        reply="a balcony in June with {thing}, bees, ink and wash",
    ),
    Topic(
        title="Spreadsheet formula for {thing}",
        model="gpt-4o-mini",
        things=(
            ("unpaid invoices", '=SUMIFS(C:C,D:D,"open")'),
            ("working days", "=NETWORKDAYS(A2,B2)"),
            ("the latest price", "=XLOOKUP(A2,Prices!A:A,Prices!B:B,,0,-1)"),
        ),
        turns=(
            ("user", "Which formula gives me {thing}?"),
            (
                "assistant",
                "This one:\n\n```\n{detail}\n```\n\nDrag it down, and lock the ranges with `$` if you copy it "
                "sideways.",
            ),
        ),
    ),
    Topic(
        title="Is it true about {thing}?",
        model="gpt-5",
        things=(
            ("goldfish", "They remember for months"),
            ("carrots and eyesight", "They help only where vitamin A is lacking"),
            ("the Great Wall from space", "It is too narrow to be seen"),
        ),
        turns=(
            ("user", "Is the story about {thing} true? Please with a source."),
            ("assistant", "Not as it is usually told. {detail}. \ue200cite\ue202turn0search0\ue201"),
        ),
        extra="source",
        reply="A list of common misconceptions|https://example.org/misconceptions",
    ),
)
