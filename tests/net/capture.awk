# Reads tshark's fields of UDP packets, takes those of one server port and
# prints what an observer of that wire can tell, as `NAME VALUE` lines.
#
#   -v server=PORT -v long_ids=FILE (gets the destination IDs of long headers)
# Columns: 1 ip.src 2 ipv6.src 3 ip.dst 4 ipv6.dst 5 udp.srcport 6 udp.dstport
#   7 ip.flags.df 8 ipv6.flow 9 udp.payload in hex
#
# Servers of this library use connection IDs of 12 bytes and clients of 8; a
# short header has no length, so that is taken from here (and proven by the long
# headers, which have one).

function hex(text,    i, n) {
  n = 0
  for (i = 1; i <= length(text); i++)
    n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
  return n
}

BEGIN {
  FS = "\t"
  n = split("0 7 17 19 53 111 123 137 138 161 389 500 520 1900 3702 5353 " \
    "5355 11211 20800 27015", list, " ")
  for (i = 1; i <= n; i++) excluded[list[i]] = 1
}

{
  if ($5 != server && $6 != server) next
  gsub(/:/, "", $9)
  up = $6 == server
  port = up ? $5 : $6
  client = (up ? $1 $2 : $3 $4) " " port
  direction = up ? "up" : "down"
  packets[direction]++
}

# A 4-tuple's first packet; its port must be new.
!(client in path) {
  path[client] = ++paths
  order[paths] = port
  for (i = paths - 16; i < paths; i++)
    if (i > 0 && order[i] == port) repeated++
  if (port in excluded) forbidden++
  if (!up || length($9) / 2 < 1200) small_first++
}

up && $2 == "" && $7 != 1 { no_df++ }

up && $2 != "" {
  label = hex(substr($8, 3))
  if (label == 0) zero_labels++
  if (!((label, client) in seen_label)) {
    seen_label[label, client] = 1
    if (label in label_of && label_of[label] != client) shared_labels++
    label_of[label] = client
  }
}

# Long header: flags, version, length and destination ID, length and source ID.
# Short header: flags, destination ID.
{
  is_long = hex(substr($9, 1, 1)) >= 8
  if (is_long) {
    dlen = hex(substr($9, 11, 2))
    slen = hex(substr($9, 13 + 2 * dlen, 2))
    id = substr($9, 13, 2 * dlen)
    if (slen != (up ? 8 : 12)) odd_ids++
    long_headers++
    print id > long_ids
  } else {
    id = substr($9, 3, up ? 24 : 16)
  }
  key = direction " " id
  if (!(key in owner)) {
    owner[key] = client
    ids[direction]++
  } else if (owner[key] != client && !((key, client) in linked)) {
    linked[key, client] = 1
    shared[direction]++
  }
}

END {
  print "paths", paths + 0
  print "packets_up", packets["up"] + 0
  print "packets_down", packets["down"] + 0
  print "long_headers", long_headers + 0
  print "odd_ids", odd_ids + 0
  print "ids_up", ids["up"] + 0
  print "ids_down", ids["down"] + 0
  print "shared_up", shared["up"] + 0
  print "shared_down", shared["down"] + 0
  print "small_first", small_first + 0
  print "no_df", no_df + 0
  print "zero_labels", zero_labels + 0
  print "shared_labels", shared_labels + 0
  print "forbidden_ports", forbidden + 0
  print "repeated_ports", repeated + 0
}
