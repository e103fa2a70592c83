#!/bin/sh
# The demonstration: a whole review of invented records, offline, from protocol to report.
# Usage: sh examples/demo/run.sh [FOLDER FOR THE REVIEW'S DATA]
set -eu
cd "$(dirname "$0")/../.."
REVIEW=examples/demo/review.yaml
HOME_=${1:-reviews/demo}
rm -rf "$HOME_"

# Runs a command and shows it; a review that waits for a person (status 3) is no failure here.
show() {
    printf '\n$ python -m agent %s\n' "$*"
    status=0
    python -m agent "$@" </dev/null || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || exit "$status"
}

echo "Everything in this demonstration is invented: the drug, the trials, the people who approve."
show run $REVIEW --home "$HOME_"
show approve $REVIEW --home "$HOME_" --gate query --by "Demo Person" --note "strategy read line by line"
show resume $REVIEW --home "$HOME_"
show approve $REVIEW --home "$HOME_" --gate screen --by "Demo Person" --note "list read"
show resume $REVIEW --home "$HOME_"
show approve $REVIEW --home "$HOME_" --gate extract --by "Demo Person" --note "quotes compared with the papers"
show resume $REVIEW --home "$HOME_"
show replay $REVIEW --home "$HOME_" --verify
show verify $REVIEW --home "$HOME_"
printf '\nThe report lies at %s/out/report.html\n' "$HOME_"
