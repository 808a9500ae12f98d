# SPDX-License-Identifier: BSD-3-Clause
# apt.sh: packages to look into, not to install: apt with the machine's own sources, keys and proxies, but
# with package lists of its own; nothing in /etc or /var is touched. Sourced.
# shellcheck shell=sh

# apt_start DIR TYPES [SUITE]: reads the lists into DIR. TYPES: deb, deb-src, in words. Of the sources only
# those of this Debian release count; third parties' entries name other suites and are left out. SUITE, for
# backports, is put beside the release's own.
apt_start()
{
  apt=$1
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/cache/archives/partial"
  for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -e "$f" ] || continue
    sed -nE 's/^deb(-src)?[[:space:]]+(.*)/\2/p' "$f"
  done | awk -v rel="$release" -v back="${3:-}" -v types="$2" '
    { at = 1
      if ($1 ~ /^\[/) while ($at !~ /\]$/ && at < NF) at++
      if ($1 ~ /^\[/) at++
      if (index($(at + 1), rel) != 1) next
      line[$0] = 1
      if ($(at + 1) == rel && back) { $(at + 1) = back; line[$0] = 1 } }
    END { n = split(types, type, " "); for (l in line) for (i = 1; i <= n; i++) print type[i], l }' \
    > "$apt/sources/own.list"
  for f in /etc/apt/sources.list.d/*.sources; do
    [ -e "$f" ] || continue
    awk -v RS= -F '\n' -v rel="$release" -v back="${3:-}" -v types="$2" '
      { hit = 0
        for (i = 1; i <= NF; i++) {
          n = split($i, word, " ")
          if (word[1] == "Suites:")
            for (k = 2; k <= n; k++) {
              if (index(word[k], rel) == 1) hit = 1
              if (word[k] == rel && back) $i = $i " " back
            }
          if (word[1] == "Types:") $i = "Types: " types
        }
        for (i = 1; hit && i <= NF; i++) print $i
        print "" }' "$f"
  done > "$apt/sources/own.sources"
  grep -q . "$apt"/sources/* || { echo "no package source of $release found in /etc/apt" >&2 && return 1; }
  papt get update
}

# papt VERB ...: apt-VERB with these lists. apt_arch: another architecture's than the machine's.
papt()
{
  verb=$1
  shift
  [ -z "${apt_arch:-}" ] || set -- -o APT::Architecture="$apt_arch" \
    -o APT::Architectures="$apt_arch" -o Dir::State::status=/dev/null "$@"
  "apt-$verb" -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/sources" \
    -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root \
    -o Acquire::Languages=none "$@"
}
