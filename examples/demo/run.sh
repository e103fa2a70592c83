#!/bin/sh
# The demonstration: a whole review of invented records, offline, from protocol to report.
# Usage: sh examples/demo/run.sh [FOLDER FOR THE REVIEW'S DATA]
set -eu
cd "$(dirname "$0")/../.."
REVIEW=examples/demo/review.yaml
HERE=${1:-reviews/demo}
rm -rf "$HERE"

# Shows a command and runs it; a review that waits for a person (status 3) is no failure here.
agent() {
    printf '\n$ python -m agent %s\n' "$*"
    status=0
    python -m agent "$@" --home "$HERE" </dev/null || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || exit "$status"
}

echo "Everything in this demonstration is invented: the drug, the trials, the person who decides."
agent run $REVIEW
agent approve $REVIEW --gate query --by "Demo Reviewer" --note "read term by term"
agent resume $REVIEW

echo
echo "The person has read the list and excludes what the rules were too careful to exclude."
agent edit $REVIEW screen --file examples/demo/decisions/screen.csv --by "Demo Reviewer"
agent approve $REVIEW --gate screen --by "Demo Reviewer"
agent resume $REVIEW

echo
echo "The person has read the full texts; one trial treated for four weeks only."
agent edit $REVIEW extract --file examples/demo/decisions/extract.csv --by "Demo Reviewer"
agent approve $REVIEW --gate extract --by "Demo Reviewer"
agent resume $REVIEW

echo
echo "Two people read the numbers, each without seeing the other's; then they settle where they differ."
agent form $REVIEW --by "Demo Reviewer"
agent enter $REVIEW --file examples/demo/decisions/numbers-first.csv --by "Demo Reviewer"
agent enter $REVIEW --file examples/demo/decisions/numbers-second.csv --by "Second Reviewer"
agent resume $REVIEW
agent edit $REVIEW evidence --file examples/demo/decisions/evidence.csv --by "Demo Reviewer" --note "settled by both"
agent approve $REVIEW --gate evidence --by "Demo Reviewer"
agent resume $REVIEW

echo
echo "The analyses are computed; how certain the evidence is, a person decides."
agent edit $REVIEW synthesis --file examples/demo/decisions/certainty.csv --by "Demo Reviewer"
agent approve $REVIEW --gate synthesis --by "Demo Reviewer"
agent resume $REVIEW

agent verify $REVIEW
agent replay $REVIEW --verify
printf '\nThe report: %s/out/report.html\nThe forest plot: %s/out/forest-migraine-days.svg\n' "$HERE" "$HERE"
