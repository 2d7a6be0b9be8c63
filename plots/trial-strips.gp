# Every trial of a small round trip as a multiple of its case's median, in the order in which they ran.
name = 'trial-strips'
load (exists("sources") ? sources : 'plots').'/common.gp'
if (series_count == 0 || lowest_x == highest_x) { exit }

heading = 'Round trip of '.size_text.': every trial'
what = machine.'; black: median of a round'
x_title = 'trial of the run'

set logscale y 10
rough = (highest_x - lowest_x) / 4
power = 10**floor(log10(rough))
step = power * (rough / power >= 5 ? 5 : rough / power >= 2 ? 2 : 1)
set xtics step
set xrange [lowest_x - 0.02 * (highest_x - lowest_x) : highest_x + 0.02 * (highest_x - lowest_x)]
set yrange [(lowest_y < 0.9 ? lowest_y / 1.05 : 0.86) : (highest_y > 1.1 ? highest_y * 1.05 : 1.16)]
set ytics ("0.1" 0.1, "0.2" 0.2, "0.3" 0.3, "0.5" 0.5, "0.7" 0.7, "0.8" 0.8, "0.9" 0.9, "median" 1, "1.1" 1.1, "1.2" 1.2, \
  "1.5" 1.5, "2" 2, "3" 3, "5" 5, "10" 10, "20" 20, "50" 50)

draw_panel = "plot for [s=1:series_count] datadir.'/'.name.'.tsv' index (s-1) " \
  . "using ($1 * (series_panel[s] == p ? 1 : NaN)):2 with points linestyle series_mechanism[s], " \
  . "for [k=1:point_count] datadir.'/'.name.'.tsv' index (series_count+k-1) " \
  . "using ($1 * (point_panel[k] == p ? 1 : NaN)):2 with lines linewidth 2.5 linecolor rgb ink"
load sources.'/panels.gp'
