# How many messages a second arrive, over the size of the message.
name = 'message-rate-over-size'
load (exists("sources") ? sources : 'plots').'/common.gp'
if (series_count == 0) { exit }

heading = 'Stream message rate over message size'
what = machine.'; bars: lowest and highest trial'
x_title = 'message size'

set logscale x 2
set logscale y 10
set xrange [lowest_x / 1.3 : highest_x * 1.3]
set yrange [below(lowest_y) : above(highest_y)]
eval size_tics
set ytics ("1 /s" 1, "10 /s" 10, "100 /s" 100, "1 k/s" 1e3, "10 k/s" 1e4, "100 k/s" 1e5, "1 M/s" 1e6, \
  "10 M/s" 1e7, "100 M/s" 1e8, "1 G/s" 1e9, "10 G/s" 1e10)

load sources.'/over-size.gp'
