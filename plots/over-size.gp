# One line per series over its size or load: the value, and a bar from the lowest to the highest trial. Bars
# are drawn first and thin, so that they never hide a line.
points_of = "datadir.'/'.name.'.tsv' index (s-1) using ($1 * (series_panel[s] == p ? 1 : NaN)):2"
draw_panel = "plot for [s=1:series_count] ".points_of.":3:4 with yerrorbars linestyle series_mechanism[s] " \
  . "linewidth 1 pointsize 0, for [s=1:series_count] ".points_of." with linespoints linestyle series_mechanism[s]"
load sources.'/panels.gp'
