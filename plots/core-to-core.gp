# Round trips between every two CPUs, as a heat map: from NAME.tsv and NAME.gp, which `ipcbench matrix` writes.
#
#   gnuplot -e "facts='results/matrix/cache-line.gp'; data='results/matrix/cache-line.tsv'; out='OUT.svg'" plots/core-to-core.gp
# With datadir instead of facts and data it draws what a report has of it, or nothing.
if (exists("datadir")) {
  facts = datadir.'/core-to-core.gp'
  data = datadir.'/core-to-core.tsv'
}
if (!exists("facts") || !exists("data") || !exists("out")) {
  print "usage: make matrix"
  exit status 64
}
set encoding utf8
load facts
if (cpu_count < 2) { exit }
is_png = out[strlen(out) - 3:] eq '.png'

ink = '#24292f'
faint = '#6e7781'
cell = 34
side = (cpu_count > 8 ? cpu_count : 8) * (cpu_count > 32 ? 14 : cell)
# White under everything, so that the picture is readable on a dark page too.
if (is_png) {
  set terminal pngcairo size 2 * (side + 210), 2 * (side + 110) font 'sans,9' fontscale 2
} else {
  set terminal svg size side + 210, side + 110 font 'Helvetica,Arial,sans-serif,12' background '#ffffff'
}
set output out

set label 1 'Core to core: '.what at graph 0, screen 1 offset 0, -1.2 font ',15' textcolor rgb ink
set label 2 machine.'; n = '.trials.' trials a pair, median' \
  at graph 0, screen 1 offset 0, -2.6 font ',10' textcolor rgb faint
set tmargin 6
set lmargin 7
set bmargin 3
set xlabel 'CPU' textcolor rgb ink
set ylabel 'CPU' textcolor rgb ink
set border 0
unset key
set rmargin 16
set xtics scale 0 () textcolor rgb ink
set ytics scale 0 () textcolor rgb ink
set xrange [-0.5:cpu_count - 0.5]
set yrange [cpu_count - 0.5:-0.5]
set for [i=1:cpu_count] xtics add (sprintf('%d', cpus[i]) i - 1)
set for [i=1:cpu_count] ytics add (sprintf('%d', cpus[i]) i - 1)

# Viridis, which keeps its order in grey and for the colour-blind. Logarithmic where the pairs differ by much.
set palette defined (0 '#fde725', 0.25 '#5ec962', 0.5 '#21918c', 0.75 '#3b528b', 1 '#440154')
low = lowest
high = highest > lowest ? highest : lowest * 1.05
if (high > 4 * low) { set logscale cb }
set cbrange [low:high]
set cblabel 'round trip, ns' offset 3, 0 textcolor rgb ink
set colorbox user origin graph 1.03, graph 0 size graph 0.03, graph 1
set cbtics scale 0.3 (sprintf('%.0f', low) low, sprintf('%.0f', sqrt(low * high)) sqrt(low * high), sprintf('%.0f', high) high) \
  textcolor rgb ink

# Where a number finds room it stands in its cell.
is_wide = high > 4 * low
shade(v) = (is_wide ? log(v / low) / log(high / low) : (v - low) / (high - low)) > 0.45 ? 0xffffff : 0x24292f
plot data using 1:2:3 with image pixels notitle, \
  '' using 1:2:(cpu_count <= 32 && valid(3) ? sprintf('%.0f', $3) : ''):(shade($3)) \
    with labels font ',9' textcolor rgb variable notitle
