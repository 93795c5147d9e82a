"""Names that titles give in brackets, and what in brackets is no name: `[URGENT]`, `[2024-05-01]`, `[1/3]`.

A name that stands in one title alone may be anything, so it is only suggested. One that two titles share, or that a
known project has, is meant.
"""

from __future__ import annotations

import re

_STATUS_WORDS = """
    a acceptance accepted alpha answered archive archived asap backlog beta blocked bug bugs canceled cancelled closed
    confidential copy critical deprecated discussion done draft duplicate error example experiment failed feature fix
    fixed followup follow-up forwarded fwd fw fyi help high hotfix idea ideas important in-progress info internal issue
    later low maybe medium minor new nsfw obsolete ok old on-hold open outdated pending private problem public question
    questions re ready reminder request review sample solved spam spoiler temp temporary test testing tested tmp tldr
    todo to-do untitled update updated urgent version vip waiting warning wip wontfix work-in-progress
    dringend eilig entwurf erledigt fertig frage fragen gelöst hilfe idee ideen kopie neu notiz offen privat prüfen
    später vertraulich wichtig
    aide brouillon copie fini idée nouveau nouvelle privé résolu terminé urgence à-faire
    ayuda borrador copia hecho importante listo nuevo pendiente pregunta prueba resuelto terminado urgente
    aiuto bozza domanda fatto finito nuovo prova risolto
    ajuda concluído feito novo pergunta rascunho resolvido teste
    belangrijk concept hulp klaar nieuw vraag
    gotowe nowe pilne pomoc pytanie szkic ważne
    важно вопрос готово идея новое помощь срочно тест черновик
    下書き 完了 質問 重要 緊急 未読 草稿 已完成 新 问题 紧急 진행중 완료 질문 중요 긴급 초안
"""
_STATUS = frozenset(_STATUS_WORDS.split())
_MONTHS = (
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|january|february|march|april|june|july|august|september|october|"
    r"november|december|januar|februar|märz|mai|juni|juli|oktober|dezember|enero|febrero|marzo|abril|mayo|junio|julio|"
    r"agosto|septiembre|octubre|noviembre|diciembre|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|"
    r"novembre|décembre"
)
_COUNTED = re.compile(
    rf"(?:(?:part|teil|parte|partie|step|day|week|version|ver|v|no|nr|n|page|chapter|q|kw|sprint)[\s.#]*)?[\d\s.,:/\\#+-]*\d"
    rf"[\d\s.,:/\\#+-]*(?:of|von|de|di|/)?[\d\s.]*|(?:\d{{1,2}}\.?\s+)?(?:{_MONTHS})\.?(?:\s+\d{{1,4}},?)?(?:\s+\d{{4}})?",
    re.IGNORECASE,
)


def is_name(text: str) -> bool:
    """Whether a project could be called so: no date, number, counter or word that says how things stand."""
    said = " ".join(text.split()).casefold().strip(" .!?:-*#")
    if not any(letter.isalpha() for letter in said) or _COUNTED.fullmatch(said):
        return False
    words = re.split(r"[\s,/|+&]+", said)
    return any(word.strip(".!?:-*#") not in _STATUS and not word.isdigit() for word in words if word.strip(".!?:-*#"))
