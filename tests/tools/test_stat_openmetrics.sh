#!/bin/sh
# `stat --openmetrics` is what Prometheus reads, by its own parsers: as OpenMetrics, and in the
# older text format, whose names of counters include _total also where a family begins.
. "$(dirname "$0")/lib.sh"
command -v promtool >/dev/null || skip "no promtool here (Debian: apt-get install prometheus)"

expect 0 "$MILLRACE" run --data a --input gen:orders=20000,seed=5 --segment-size 4 --json
cp out report
expect 0 "$MILLRACE" stat --data a --openmetrics
cp out metrics
same "the last line" '# EOF' "$(tail -n 1 metrics)"
same "events" "millrace_events_total $(field events report)" \
    "$(grep '^millrace_events_total ' metrics)"
grep -q "^millrace_sequence{at=\"applied\"} $(field last_sequence report)\$" metrics ||
    fail "$(grep '^millrace_sequence' metrics)"

expect 0 "$MILLRACE" stat --data a --json
ns=$(sed -n 's/.*"started":\([0-9]*\).*/\1/p' out)
same "when it was opened" "$ns" \
    "$(sed -n 's/^millrace_started_timestamp_seconds //p' metrics | tr -d .)"

# A family is told of once, before its samples, and they stand together.
awk '/^# TYPE / { if (seen[$3]++) { print "twice: " $3; bad = 1 } family = $3; next }
    /^# (HELP|UNIT) / { if ($3 != family) { print "out of place: " $0; bad = 1 } next }
    /^# EOF$/ { next }
    index($1, family) != 1 { print "strange: " $0 " in " family; bad = 1 }
    END { exit bad }' metrics || fail "families"

# Buckets rise to the count.
awk -F '[ {]' '/_bucket/ { if ($1 == name && $NF < last) { print; bad = 1 } name = $1; last = $NF }
    /_count/ { if ($NF != last) { print; bad = 1 } last = 0; name = "" }
    END { exit bad }' metrics || fail "buckets"
[ "$(grep -c 'le="+Inf"' metrics)" -eq 5 ] || fail "histograms"
grep -q '^millrace_disk_latency_seconds_bucket{le="0.000000255"} ' metrics || fail "bounds"
claim "$(grep -c '^# TYPE' metrics) families, $(grep -vc '^#' metrics) samples"

# As OpenMetrics: promtool takes it in, once every sample has a time.
awk '/^#/ { print; next } { print $0 " 1700000000" }' metrics >timed
promtool tsdb create-blocks-from openmetrics timed blocks >out 2>&1 || fail "$(cat out)"
samples=$(awk '/^BLOCK ULID/ { getline; print $5 }' out)
same "samples taken in" "$(grep -vc '^#' metrics)" "${samples:-none}"
grep -v '^# EOF' timed >cut
promtool tsdb create-blocks-from openmetrics cut none >out 2>&1 && fail "promtool takes anything"
claim "promtool reads all of it as OpenMetrics"

awk '/^# TYPE .* counter$/ { counter[$3] = 1 } /^# [A-Z]+ / && $3 in counter { $3 = $3 "_total" }
    { print }' metrics >older
promtool check metrics <older >out 2>&1 || fail "$(cat out)"
[ ! -s out ] || fail "$(cat out)"
claim "promtool finds nothing to say against it in the text format"
