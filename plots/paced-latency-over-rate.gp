# How long a message takes, one way, when messages come at a given rate whatever the receiver does.
name = 'paced-latency-over-rate'
load (exists("sources") ? sources : 'plots').'/common.gp'
# One offered load is a table, not a curve.
if (series_count == 0 || lowest_x == highest_x) { exit }

heading = 'Paced, '.size_text.': response time (p99) over offered load'
what = machine.'; bars: lowest and highest trial'
x_title = 'offered load, messages per second'

set logscale x 10
set logscale y 10
set xrange [lowest_x / 1.3 : highest_x * 1.3]
set yrange [below(lowest_y) : above(highest_y)]
set xtics ("100" 100, "1 k" 1e3, "10 k" 1e4, "100 k" 1e5, "1 M" 1e6, "10 M" 1e7, "100 M" 1e8)
set for [d=2:7] for [k=2:9] xtics add ("" k*10**d 1)
eval time_tics

load sources.'/over-size.gp'
