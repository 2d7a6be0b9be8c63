# The whole distribution of a 64 B round trip, its tail stretched: x is 1/(1-p) on a logarithmic axis.
name = 'percentile-spectrum'
load (exists("sources") ? sources : 'plots').'/common.gp'
if (series_count == 0) { exit }

heading = 'Round trip of '.size_text.', every percentile'
what = machine.'; trials merged'
x_title = 'percentile'

set logscale x 10
set logscale y 10
set xrange [1 : above(highest_x)]
set yrange [below(lowest_y) : above(highest_y)]
set xtics ("50 %%" 2, "90 %%" 10, "99 %%" 100, "99.9 %%" 1e3, "99.99 %%" 1e4, "99.999 %%" 1e5, "99.9999 %%" 1e6)
eval time_tics

draw_panel = "plot for [s=1:series_count] datadir.'/'.name.'.tsv' index (s-1) " \
  . "using ($2 * (series_panel[s] == p ? 1 : NaN)):3 with linespoints linestyle series_mechanism[s] pointinterval 4"
load sources.'/panels.gp'
