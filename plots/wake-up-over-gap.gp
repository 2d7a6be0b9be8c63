# How long it takes to wake a receiver up, over how long it was idle.
name = 'wake-up-over-gap'
load (exists("sources") ? sources : 'plots').'/common.gp'
# One gap is a table, not a curve.
if (series_count == 0 || lowest_x == highest_x) { exit }

heading = 'Wake-up, one way, median, over the time the receiver was idle'
what = machine.'; bars: lowest and highest trial'
x_title = 'idle before the message'

set logscale x 10
set logscale y 10
set xrange [lowest_x / 1.3 : highest_x * 1.3]
set yrange [below(lowest_y) : above(highest_y)]
set xtics ("100 ns" 100, "1 µs" 1e3, "10 µs" 1e4, "100 µs" 1e5, "1 ms" 1e6, "10 ms" 1e7, "100 ms" 1e8)
eval time_tics

load sources.'/over-size.gp'
