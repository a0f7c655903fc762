"""What `workbench` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution

CONTRIBUTION = Contribution(
    commands={
        "run": ("workbench.start.run:run", "Open the app on 127.0.0.1."),
        "doctor": (
            "workbench.start.doctor:doctor",
            "List what works and what is missing, with the fix for each.",
        ),
        "repair": (
            "workbench.start.repair:repair",
            "Make damaged files of the workspace again, as far as they can be.",
        ),
        "backup": (
            "workbench.backup.commands:backup",
            "Write the workspace to one file, while it is in use.",
        ),
        "restore": (
            "workbench.backup.commands:restore",
            "Make a workspace from a backup, here or elsewhere.",
        ),
        "upgrade": (
            "workbench.backup.commands:upgrade",
            "Bring the databases of an older workspace up to date, after a backup.",
        ),
        "artefacts": (
            "workbench.carry.commands:artefacts",
            "Carry runs, models and collections to other workspaces.",
        ),
        "demo": (
            "workbench.start.demo:demo",
            "Make small models, tune them on an example, and measure them.",
        ),
        "models": (
            "workbench.models.command:models",
            "List, pull, connect, test, compare and remove chat models.",
        ),
        "models votes": (
            "workbench.scoring.votes_command:votes",
            "How strong each arm is by the votes on answers side by side.",
        ),
        "chats": ("workbench.chat.command:chats", "List, search, export, import and replay chats."),
        "chats answers": (
            "workbench.chat.lineage_commands:answers",
            "The answers of a chat with their numbers.",
        ),
        "chats lineage": (
            "workbench.chat.lineage_commands:lineage",
            "What an answer rests on.",
        ),
        "chats why": (
            "workbench.chat.lineage_commands:why",
            "Why an answer differs from another one.",
        ),
        "chats move": (
            "workbench.backup.transfer_command:move",
            "Copy chats and accounts to a PostgreSQL server, or back.",
        ),
        "jobs": ("workbench.jobs.command:jobs", "List, follow and cancel background jobs."),
        "users": (
            "workbench.accounts.command:users",
            "Add, list, disable and remove people who sign in; what they did.",
        ),
        "groups": (
            "workbench.accounts.groups_command:groups",
            "Add, list and remove groups of people who share a workspace.",
        ),
    },
    checks=[
        "workbench.start.checks:check_machine",
        "workbench.start.checks:check_models",
        "workbench.start.spaces:check_accounts",
    ],
    repairs=[
        "workbench.start.spaces:mend_accounts",
        "workbench.start.mending:mend_conversations",
        "workbench.start.mending:mend_files",
    ],
    stores=["workbench.chat.database:STORE", "workbench.accounts.database:STORE"],
    carried={"run": "workbench.carry.kinds:RUN", "model": "workbench.carry.kinds:MODEL"},
    moves=["workbench.backup.moving:move_files", "workbench.backup.moving:move_chats"],
    chinese=Path(__file__).with_name("chinese.toml"),
)
