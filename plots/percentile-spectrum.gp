# The whole distribution of a 64 B round trip, its tail stretched: x is 1/(1-p) on a logarithmic axis.
name = 'percentile-spectrum'
load (exists("sources") ? sources : 'plots').'/common.gp'
if (series_count == 0) { exit }

heading = 'Round trip of '.size_text.', every percentile'
what = machine.'; trials merged'
x_title = 'percentile'

set logscale x 10
set logscale y 10
# Beyond 99.999 % only the fastest mechanisms have samples, and the others would be pressed together.
set xrange [1 : above(highest_x < 1e5 ? highest_x : 1e5)]
set yrange [below(lowest_y) : above(highest_y)]
set xtics ("50 %%" 2, "90 %%" 10, "99 %%" 100, "99.9 %%" 1e3, "99.99 %%" 1e4, "99.999 %%" 1e5)
small_font = is_png ? ',7.5' : ',11'
if (highest_x > 1e4) { set xtics font small_font }
eval time_tics

draw_panel = "plot for [s=1:series_count] datadir.'/'.name.'.tsv' index (s-1) " \
  . "using ($2 * (series_panel[s] == p ? 1 : NaN)):3 with linespoints " \
  . "linestyle series_mechanism[s] pointinterval 4"
load sources.'/panels.gp'
