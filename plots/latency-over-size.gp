# How long a round trip takes, over the size of its message.
name = 'latency-over-size'
load (exists("sources") ? sources : 'plots').'/common.gp'
if (series_count == 0) { exit }

heading = 'Round trip over message size, median'
what = machine.'; bars: lowest and highest trial'
x_title = 'message size'

set logscale x 2
set logscale y 10
set xrange [lowest_x / 1.3 : highest_x * 1.3]
set yrange [below(lowest_y) : above(highest_y)]
eval size_tics
eval time_tics

load sources.'/over-size.gp'
