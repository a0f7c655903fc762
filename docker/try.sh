#!/usr/bin/env bash
# The image's entry point without an image: the same user, the same environment, a root that nobody
# can write to, an empty /tmp and one writable folder. Needs bubblewrap.
#   docker/try.sh FOLDER run --no-browser --port 8501
#   docker/try.sh FOLDER serve --port 8600
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
volume=$(realpath "$1")
shift
python=${PYTHON:-$root/.venv/bin/python}
venv=$("$python" -c 'import sys; print(sys.prefix)')
installed=$("$python" -c 'import sys; print(sys.base_prefix)')  # where that environment's Python lies

environment=()
while IFS='=' read -r name value; do
    environment+=(--setenv "$name" "$value")
done < <(sed -n '/ AS base$/,/^RUN/s/^ENV //p' "$root/docker/Dockerfile")

# /tmp comes before what may lie in it
exec bwrap \
    --unshare-user --uid 10001 --gid 10001 --unshare-pid --unshare-ipc --unshare-uts \
    --cap-drop ALL --new-session --die-with-parent \
    --ro-bind /usr /usr --ro-bind /etc /etc \
    --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
    --tmpfs /tmp \
    --ro-bind "$installed" "$installed" \
    --ro-bind "$venv" "$venv" --symlink "$venv" /opt/venv \
    --ro-bind "$root" /opt/workbench \
    --bind "$volume" /var/lib/workbench \
    --proc /proc --dev /dev \
    --remount-ro / \
    --clearenv "${environment[@]}" \
    --setenv PYTHONPATH /opt/workbench \
    --chdir /opt/workbench \
    /opt/venv/bin/python -m workbench.cli "$@"
