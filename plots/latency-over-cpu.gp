# How long a round trip takes over the CPU time that it costs both sides together: a point for each way to wait.
name = 'latency-over-cpu'
load (exists("sources") ? sources : 'plots').'/common.gp'
# One mechanism is no choice.
if (series_count == 0 || lowest_x == highest_x) { exit }

heading = 'Round trip of '.size_text.': median over CPU time'
what = machine.'; bars: lowest and highest trial'
x_title = 'CPU time per round trip, both sides'

set logscale x 10
set logscale y 10
set xrange [lowest_x / 1.5 : highest_x * 1.5]
set yrange [below(lowest_y) : above(highest_y)]
set xtics ("1 ns" 1, "10 ns" 10, "100 ns" 100, "1 µs" 1e3, "10 µs" 1e4, "100 µs" 1e5, "1 ms" 1e6, "10 ms" 1e7)
set for [d=0:6] for [k=2:9] xtics add ("" k*10**d 1)
eval time_tics

load sources.'/over-size.gp'
