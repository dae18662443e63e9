"""What the demonstration says to the person who started it, in French and in English.

Called by `demo.py`. Pure. Must hold the same sentences in both languages (a test compares them).
"""

import os
from collections.abc import Mapping
from typing import Final

_ENGLISH: Final = {
    "database": "PostgreSQL starts",
    "seeding": "Inventing {count} customers of three companies",
    "seeded": "  {name}: {count}",
    "product": "Quivive starts",
    "people": "Directory, roster, gate (fictitious records)",
    "agents": "{count} agents start to work",
    "ready": "The demonstration centre is running ({seconds:.0f} s).",
    "link": "Open the console (this link works once, for 15 minutes):",
    "others": "The same console as an evaluator (recordings only), then as an agent (own page):",
    "tunnel": "This machine has no screen. On yours, first open a tunnel, then the link:",
    "psql": "Query a customer file through the relay, as an agent:",
    "direct": "The same database without the relay, to compare:",
    "folder": "Everything lies in {home}; the API token and both DSNs in {home}/demo.json.",
    "look": "Three agents misbehave within the first minute: look under “Unexplained”, then “Alerts”.",
    "stop": "Stop: Ctrl-C. Start again: the same command goes on with the same folder.",
    "stopping": "Stopping: agents, Quivive, PostgreSQL",
    "worked": "The centre handled {calls} calls and {tickets} tickets: {statements} statements, {failures} failed.",
    "refused": "Rows refused by the product: {count} ({first})",
    "stopped": "Stopped.",
    "died": "Quivive ended unexpectedly; see {log}",
    "past": "Recordings of past weeks: some removed with proof; a plan waits for its second person (“Playback”).",
    "links": "Links sync: {count} links read from the web shop's key columns.",
}
_FRENCH: Final = {
    "database": "Démarrage de PostgreSQL",
    "seeding": "Invention de {count} clients de trois sociétés",
    "seeded": "  {name} : {count}",
    "product": "Démarrage de Quivive",
    "people": "Annuaire, planning, verrou d'activation (enregistrements fictifs)",
    "agents": "{count} téléconseillers prennent leur poste",
    "ready": "Le centre de démonstration fonctionne ({seconds:.0f} s).",
    "link": "Ouvrez la console (ce lien sert une seule fois, pendant 15 minutes) :",
    "others": "La même console pour l'évaluation (enregistrements), puis pour un téléconseiller (son espace) :",
    "tunnel": "Cette machine n'a pas d'écran. Sur la vôtre, ouvrez d'abord un tunnel, puis le lien :",
    "psql": "Interrogez un fichier de clients à travers le relais, en tant que téléconseiller :",
    "direct": "La même base sans le relais, pour comparer :",
    "folder": "Tout se trouve dans {home} ; le jeton de l'API et les deux DSN dans {home}/demo.json.",
    "look": "Trois téléconseillers s'écartent vite des règles : voyez « À expliquer », puis « Alertes ».",
    "stop": "Arrêter : Ctrl-C. Relancer : la même commande reprend le même dossier.",
    "stopping": "Arrêt : téléconseillers, Quivive, PostgreSQL",
    "worked": "Le centre a traité {calls} appels et {tickets} dossiers : {statements} requêtes, {failures} en échec.",
    "refused": "Lignes refusées par le produit : {count} ({first})",
    "stopped": "Arrêté.",
    "died": "Quivive s'est terminé de façon inattendue ; voyez {log}",
    "past": "Enregistrements passés : certains supprimés avec preuve ; un plan attend sa seconde personne.",
    "links": "Liens : {count} lus dans les colonnes de clés de la boutique.",
}
SENTENCES: Final[Mapping[str, Mapping[str, str]]] = {"en": _ENGLISH, "fr": _FRENCH}


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return `fr` when the locale is French, else `en` (order of POSIX: LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "fr" if value.lower().startswith("fr") else "en"
    return "en"


def say(language: str, sentence: str, **values: object) -> str:
    """Fill one sentence."""
    return SENTENCES[language][sentence].format(**values)
