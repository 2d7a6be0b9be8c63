# How many payload bytes a second arrive, written and read in full, over the size of the message.
name = 'goodput-over-size'
load (exists("sources") ? sources : 'plots').'/common.gp'
if (series_count == 0) { exit }

heading = 'Stream goodput over message size'
what = machine.'; bars: lowest and highest trial'
x_title = 'message size'

set logscale x 2
set logscale y 10
set xrange [lowest_x / 1.3 : highest_x * 1.3]
set yrange [lowest_y / 1.3 : highest_y * 1.3]
eval size_tics
KiB = 1024.0
set ytics ("1 KiB/s" KiB, "10 KiB/s" 10*KiB, "100 KiB/s" 100*KiB, "1 MiB/s" KiB**2, "10 MiB/s" 10*KiB**2, \
  "100 MiB/s" 100*KiB**2, "1 GiB/s" KiB**3, "10 GiB/s" 10*KiB**3, "100 GiB/s" 100*KiB**3)

load sources.'/over-size.gp'
