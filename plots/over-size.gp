# One line with error bars per series: size, median, lowest and highest trial.
draw_panel = "plot for [s=1:series_count] datadir.'/'.name.'.tsv' index (s-1) " \
  . "using ($1 * (series_panel[s] == p ? 1 : NaN)):2:3:4 with yerrorlines linestyle series_mechanism[s]"
load sources.'/panels.gp'
