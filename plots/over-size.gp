# One line with error bars per series: size, median, lowest and highest trial.
draw_panel = "plot for [s=1:series_count] datadir.'/'.name.'.tsv' index (s-1) " \
  . "using ($1 * (series_panel[s] == p ? 1 : NaN)):2:3:4 with yerrorlines linewidth 1.6 pointsize 0.7 " \
  . "linecolor rgb colour_of(mechanism_colour[series_mechanism[s]]) " \
  . "dashtype (mechanism_colour[series_mechanism[s]] == 0 ? 2 : 1) " \
  . "pointtype shape_of(mechanism_colour[series_mechanism[s]], mechanism_shape[series_mechanism[s]])"
load sources.'/panels.gp'
