#!/bin/sh
# From rated answers to a better model that chats use, in order. It needs a running Ollama.
#   sh examples/loop.sh
set -e
here=$(dirname "$0")

# Chats in which people corrected answers. Your own are in the workspace already.
workbench chats import "$here/loop/chats.json"

# Look at what people said. What looks like personal data is marked, and `all` leaves it out.
workbench loop review --list
workbench loop review --accept all
workbench loop review --export "${WORKBENCH_HOME:-workspace}/reviewed.jsonl" --replace

# What is accepted becomes a batch: frozen, hashed, each row with its chat, model and reviewer.
workbench loop next

# Train on it, compare with what is in use, publish to Ollama with proof, and use it in the chat.
# Each step can be stopped and done again. One that is not better stops here, with the numbers.
workbench loop next
workbench loop next
workbench loop next
workbench loop next

workbench loop status
workbench ask "How long is the warranty?" --mode tuned
