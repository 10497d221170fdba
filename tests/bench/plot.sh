#!/bin/sh
# Draws throughput over time across hops as an SVG, from the columns of
# "quicmig_bench trace" on standard input:
#
#   quicmig_bench trace | sh tests/bench/plot.sh >docs/hops.svg
#
# One panel a direction, one line a mode.  A hop is made at 0, 5, 10 and 15 s.
set -eu

awk '
function x(t) { return left + t / end * width }
function y(v, panel) { return top + panel * (height + gap) + height - v / most * height }
function text(px, py, anchor, what) {
  printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", px, py, anchor, what
}
function line(x1, y1, x2, y2, class) {
  printf "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", class, x1, y1, x2, y2
}
function curve(column, panel, class,   i) {
  printf "<path class=\"%s\" d=\"", class
  for (i = 1; i <= n; i++)
    printf "%s%.1f %.1f", i == 1 ? "M" : "L", x(at[i]), y(value[i, column], panel)
  print "\"/>"
}
function panel(p, title, first,   v, t) {
  for (v = 0; v <= most; v += most / 4) {
    line(left, y(v, p), left + width, y(v, p), "grid")
    text(left - 6, y(v, p) + 4, "end", sprintf("%d", v))
  }
  for (t = 0; t <= end; t += 5) {
    line(x(t), y(0, p), x(t), y(most, p), t < end ? "hop" : "grid")
    text(x(t), y(0, p) + 16, "middle", t " s")
  }
  text(left, y(most, p) - 8, "start", title ", Mbit/s")
  curve(first, p, "none")
  curve(first + 1, p, "migrate")
  curve(first + 2, p, "rebind")
}
function key(px, class, what) {
  line(px, 18, px + 24, 18, class)
  text(px + 30, 22, "start", what)
}
NR == 1 { next }
{
  at[++n] = $1
  for (i = 2; i <= NF; i++) {
    value[n, i] = $i
    if ($i > highest) highest = $i
  }
}
END {
  if (n < 2) exit 1
  left = 50; top = 60; width = 700; height = 170; gap = 60
  end = at[n] + at[2] - at[1]
  most = 4 * (int(highest / 4) + 1)
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"780\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n", top + 2 * height + gap + 30
  print "<style>path{fill:none}.grid{stroke:#ddd}.hop{stroke:#999;stroke-dasharray:3 3}"
  print ".none{stroke:#888;stroke-width:1}.migrate{stroke:#c40;stroke-width:1.5}.rebind{stroke:#06c;stroke-width:1.5}</style>"
  print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
  key(left, "none", "no hops")
  key(left + 120, "migrate", "MIGRATE")
  key(left + 250, "rebind", "REBIND")
  key(left + 370, "hop", "a hop")
  panel(0, "upload", 2)
  panel(1, "download", 5)
  print "</svg>"
}'
