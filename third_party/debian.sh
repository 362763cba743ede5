# Debian's packages, fetched and not installed. To be sourced where `cache` is a directory of one's own,
# which gets apt's lists.

# apt-get with those lists, which have nothing of what is installed. apt itself checks signatures.
apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$cache/apt/sources.list" \
    -o Dir::Etc::sourceparts="$cache/apt/parts" -o Dir::State::lists="$cache/apt/lists" \
    -o Dir::State::status=/dev/null -o Dir::Cache="$cache/apt" -o APT::Sandbox::User=root \
    -o APT::Architectures="$architectures" "$@"
}

# lists KINDS ARCHITECTURES: KINDS are "deb", "deb-src" or both; the lists are fetched once.
lists() {
  local kind debian keys=/usr/share/keyrings/debian-archive-keyring.gpg
  architectures=$2
  [ ! -e "$cache/apt/done" ] || return 0
  # From where this system has its own.
  debian=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d \
    2>/dev/null | head -1 | tr -d ' ') || true
  [ -n "$debian" ] || die 'no source of Debian packages in /etc/apt'
  mkdir -p "$cache/apt/lists/partial" "$cache/apt/parts" "$cache/apt/archives/partial"
  for kind in $1; do
    printf '%s [signed-by=%s] %s bookworm main\n' "$kind" $keys "$debian"
  done >"$cache/apt/sources.list"
  apt update && touch "$cache/apt/done"
}
