# What the plots share: the page, its colours, its panels and its key.
#
# A plot is drawn from two files in `datadir`, both written by `ipcbench report RUN --plot-data DIR`:
# NAME.tsv, one block of measurements per series, and NAME.gp, the facts about them: how many series there
# are, and which panel, mechanism and style each one has. There is one panel per wait strategy, because a
# spinning and a blocking mechanism differ by a factor that no single axis shows well; all panels have the
# same axes, and a mechanism looks alike in each of them.
#
# A plot's own file sets `name`, `heading`, `what` and its axes between loading this file and loading
# panels.gp.

set encoding utf8

if (!exists("datadir") || !exists("out")) {
  print "usage: gnuplot -e \"datadir='DIR'; out='FILE.svg'\" plots/NAME.gp, in the project's root; or FILE.png"
  exit status 64
}
if (!exists("sources")) sources = 'plots'

is_png = strlen(out) > 4 && out[strlen(out)-3:] eq '.png'

ink = '#24292f'
faint = '#6e7781'
grid_colour = '#e3e7eb'

# Okabe and Ito's palette, which people with any of the common kinds of colour blindness can tell apart, less
# its yellow, which is too pale for a line on white. The variants of a mechanism share its colour; 0 is the
# tool itself.
array palette[7] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#b8860b', '#000000']
colour_of(c) = c == 0 ? '#9aa1a9' : palette[(c - 1) % 7 + 1]
# Filled shapes, then the same ones open: no two of twelve mechanisms depend on colour alone.
array shapes[12] = [7, 5, 9, 11, 13, 15, 6, 4, 8, 10, 12, 14]
shape_of(c, s) = c == 0 ? 1 : shapes[(s - 1) % 12 + 1]
dash_of(c) = c == 0 ? 2 : 1

set border 3 linecolor rgb faint linewidth 1
set tics nomirror textcolor rgb ink scale 0.6, 0.3
set grid xtics ytics linetype 1 linecolor rgb grid_colour linewidth 1
set errorbars small
unset key

# 64 B, 4 KiB and 1 MiB, and steps between them.
size_tics = 'set xtics ("8 B" 8, "64 B" 64, "512 B" 512, "4 KiB" 4096, "64 KiB" 65536, "1 MiB" 1048576)'
time_tics = 'set ytics ("1 ns" 1, "10 ns" 10, "100 ns" 100, "1 µs" 1e3, "10 µs" 1e4, "100 µs" 1e5, ' \
  . '"1 ms" 1e6, "10 ms" 1e7, "100 ms" 1e8, "1 s" 1e9); set for [d=0:9] for [k=2:9] ytics add ("" k*10**d 1)'

# The next decade where it is near, otherwise a little room.
above(v) = 10**ceil(log10(v)) < 4 * v ? 10**ceil(log10(v)) : 1.3 * v
below(v) = 10**floor(log10(v)) > v / 4 ? 10**floor(log10(v)) : v / 1.3

load datadir.'/'.name.'.gp'

# A run that has nothing for this plot gets no picture.
if (series_count > 0) {
  do for [m=1:mechanism_count] {
    c = mechanism_colour[m]
    # Mechanisms that cost the same lie on each other: the earlier ones are drawn broader, so that they show.
    slim = (m - 1.0) / (mechanism_count > 1 ? mechanism_count - 1 : 1)
    set style line m linewidth 3.2 - 1.8 * slim pointsize 0.95 - 0.35 * slim linecolor rgb colour_of(c) \
      dashtype dash_of(c) pointtype shape_of(c, mechanism_shape[m])
  }
}
