# Draws the panels and the key. See common.gp for what has to be set before.

columns = panel_count < 2 ? 1 : 2
rows = (panel_count + columns - 1) / columns

page_width = 940.0
key_width = 210.0
head_height = 66.0
row_height = 360.0
key_height = 24.0 * mechanism_count + 24
page_height = head_height + (rows * row_height > key_height ? rows * row_height : key_height)

if (is_png) {
  set terminal pngcairo noenhanced size 2*page_width, 2*page_height font 'sans,9.5' \
    fontscale 2 linewidth 2 pointscale 2
} else {
  # No fixed width and height, so that the picture fits the page that shows it.
  set terminal svg noenhanced size page_width, page_height dynamic font 'sans-serif,13' background '#ffffff'
}
set output out

x_of(px) = px / page_width
y_of(px) = 1 - px / page_height

set multiplot

set label 1 heading at screen x_of(14), y_of(24) left textcolor rgb ink font (is_png ? ',12' : ',17')
set label 2 what at screen x_of(14), y_of(46) left textcolor rgb faint

do for [p=1:panel_count] {
  column = (p - 1) % columns
  row = (p - 1) / columns
  panel_width = (page_width - key_width) / columns
  set lmargin at screen x_of(column * panel_width + 78)
  set rmargin at screen x_of((column + 1) * panel_width - 6)
  set tmargin at screen y_of(head_height + row * row_height + 24)
  set bmargin at screen y_of(head_height + (row + 1) * row_height - 56)
  set label 3 (panel_names[p]) at screen x_of(column * panel_width + 78), \
    y_of(head_height + row * row_height + 12) left textcolor rgb ink
  set xlabel x_title textcolor rgb faint offset 0, 0.4
  do for [m=1:mark_count] {
    if (mark_panel[m] == p) {
      set arrow from first mark_x[m], graph 0 to first mark_x[m], graph 1 nohead linecolor rgb faint dashtype 3 back
      set label (mark_text[m]) at first mark_x[m], graph 0.985 offset character 0.6, 0 right rotate by 90 \
        textcolor rgb faint font (is_png ? ',7' : ',11')
    }
  }
  eval draw_panel
  unset arrow
  unset label
}

# The key is a panel of its own, so that it names every mechanism once.
unset label
unset xlabel
unset tics
unset grid
unset border
unset logscale
set lmargin at screen x_of(page_width - key_width + 6)
set rmargin at screen x_of(page_width - 4)
set tmargin at screen y_of(head_height + 14)
set bmargin at screen y_of(page_height - 10)
set key at screen x_of(page_width - key_width + 8), y_of(head_height + 14) \
  left top Left reverse samplen 2.2 spacing 1.25 textcolor rgb ink
set xrange [0:1]
set yrange [0:1]
plot for [m=1:mechanism_count] keyentry with linespoints linestyle m title mechanism_names[m], 2 notitle
unset multiplot
set output
