# What sending messages together costs over what it gains: a point for each size of a batch.
name = 'batch-latency-and-rate'
load (exists("sources") ? sources : 'plots').'/common.gp'
# One size is a table, not a curve.
if (series_count == 0 || lowest_x == highest_x) { exit }

heading = 'Stream in batches, '.size_text.': latency (p50) over message rate'
what = machine.'; a point for each batch size'
x_title = 'messages per second'

set logscale x 10
set logscale y 10
set xrange [lowest_x / 1.3 : highest_x * 1.3]
set yrange [below(lowest_y) : above(highest_y)]
set xtics ("100" 100, "1 k" 1e3, "10 k" 1e4, "100 k" 1e5, "1 M" 1e6, "10 M" 1e7, "100 M" 1e8)
set for [d=2:7] for [k=2:9] xtics add ("" k*10**d 1)
# Where there is hardly a decade, its steps are named too.
if (highest_x / lowest_x < 100) {
  set xtics add ("20 k" 2e4, "50 k" 5e4, "200 k" 2e5, "500 k" 5e5, "2 M" 2e6, "5 M" 5e6, "20 M" 2e7, "50 M" 5e7)
}
eval time_tics

load sources.'/over-size.gp'
