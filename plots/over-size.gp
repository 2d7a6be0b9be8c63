# One line per series over its size or load: the value, and a bar from the lowest to the highest trial. Bars
# are drawn first and thin, so that they never hide a line. Points that stand out get a ring.
points_of = "datadir.'/'.name.'.tsv' index (s-1) using ($1 * (series_panel[s] == p ? 1 : NaN)):2"
draw_panel = "plot for [s=1:series_count] ".points_of.":3:4 with yerrorbars linestyle series_mechanism[s] " \
  . "linewidth 1 pointsize 0, for [s=1:series_count] ".points_of." with linespoints linestyle series_mechanism[s]"
# An iteration over nothing still draws something.
if (point_count > 0) {
  draw_panel = draw_panel.", for [k=1:point_count] datadir.'/'.name.'.tsv' index (series_count+k-1) " \
    . "using ($1 * (point_panel[k] == p ? 1 : NaN)):2 with points pointtype 6 pointsize 2.2 linewidth 1.5 linecolor rgb ink"
}
load sources.'/panels.gp'
