# SPDX-License-Identifier: BSD-3-Clause
# json.awk: flattens JSON on stdin: a line "PATH VALUE" for each scalar, PATH as in .a.b[0].c
{ text = text $0 "\n" }
END {
  depth = 0; path = ""; want_key = 0
  while (length(text)) {
    if (match(text, /^[ \t\r\n]+/)) { text = substr(text, RLENGTH + 1); continue }
    c = substr(text, 1, 1)
    if (c == "{" || c == "[") {
      base[++depth] = path; kind[depth] = c; n[depth] = 0
      if (c == "[") path = path "[0]"; else want_key = 1
    } else if (c == "}" || c == "]") {
      path = base[depth--]; want_key = 0
    } else if (c == ",") {
      if (kind[depth] == "[") path = base[depth] "[" ++n[depth] "]"
      else { path = base[depth]; want_key = 1 }
    } else if (c == ":") {
      want_key = 0
    } else if (c == "\"") {
      match(text, /^"([^"\\]|\\.)*"/)
      s = substr(text, 2, RLENGTH - 2); text = substr(text, RLENGTH + 1)
      if (want_key) path = base[depth] "." s
      else print path " " s
      continue
    } else if (match(text, /^[-+.A-Za-z0-9]+/)) {
      print path " " substr(text, 1, RLENGTH)
      text = substr(text, RLENGTH + 1)
      continue
    } else {
      print "json: " substr(text, 1, 20) > "/dev/stderr"
      exit 1
    }
    text = substr(text, 2)
  }
}
