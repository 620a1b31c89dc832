"""Which pages there are: section of the menu, file, title and icon."""

from __future__ import annotations

FIRST = "overview"
PAGES: dict[str, dict[str, tuple[str, str]]] = {
    "Today": {
        "overview": ("Command center", ":material/monitor_heart:"),
        "alerts": ("Alerts", ":material/notifications:"),
        "forecast": ("Forecast", ":material/online_prediction:"),
    },
    "Flow": {
        "turnaround": ("Turnaround", ":material/timer:"),
        "utilization": ("Utilization", ":material/view_timeline:"),
        "access": ("Access", ":material/event_available:"),
        "queues": ("Queues", ":material/hourglass_top:"),
    },
    "Care": {
        "communication": ("Critical and follow-up", ":material/notification_important:"),
        "priors": ("Priors and repeats", ":material/history:"),
        "patient": ("Patient", ":material/person_search:"),
        "quality": ("Quality", ":material/verified:"),
        "ai_oversight": ("AI oversight", ":material/visibility:"),
        "dose": ("Radiation dose", ":material/radiology:"),
    },
    "Systems": {
        "pacs": ("PACS and storage", ":material/database:"),
        "data_health": ("Data health", ":material/fact_check:"),
    },
    "Analysis": {
        "explore": ("Explore", ":material/query_stats:"),
        "targets": ("Targets", ":material/flag:"),
        "annotations": ("Annotations", ":material/edit_note:"),
        "submissions": ("Submissions", ":material/outbox:"),
        "as_known": ("As known then", ":material/history:"),
        "definitions": ("Definitions", ":material/menu_book:"),
    },
}
TITLES = {name: title for pages in PAGES.values() for name, (title, _) in pages.items()}
