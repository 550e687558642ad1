#!/bin/sh
# Prints the path of a Chromium for the browser tests, and nothing if there is none: the one without
# windows if it is there, for it needs a third less of the processor for the same pages.
# With "install" as $1, first installs one and Chinese fonts by apt where that is allowed.
# Says on standard error what is skipped for lack of what.
set -u

found_chromium() {
    # BROWSER is also how a desktop names the user's web browser: only a Chromium will do.
    for candidate in "${BROWSER:-}" chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
        case $candidate in *[Cc]hrom*) ;; *) continue ;; esac
        path=$(command -v "$candidate") || continue
        # Ubuntu's package may be an empty shell that only points to another way of installing.
        if "$path" --version >/dev/null 2>&1; then
            echo "$path"
            return 0
        fi
    done
    return 1
}

has_chinese_font() {
    command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh family 2>/dev/null)" ]
}

# Sets as_root to what must stand before a command for it to run as root; fails if it cannot.
can_install() {
    as_root=
    command -v apt-get >/dev/null || { why="no apt-get here"; return 1; }
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || { why="neither root nor sudo without a password"; return 1; }
    as_root="sudo -n"
}

update() {
    echo "Looking for what can be installed for the browser tests ..." >&2
    $as_root apt-get update -qq >"$log" 2>&1 || tail -n 5 "$log" >&2
}

is_packaged() {
    apt-cache show "$1" >/dev/null 2>&1
}

install() {
    echo "Installing $* for the browser tests ..." >&2
    export DEBIAN_FRONTEND=noninteractive
    if ! $as_root apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        return 1
    fi
}

browser=$(found_chromium) || browser=
fonts=yes
has_chinese_font || fonts=

if [ "${1:-}" = install ] && { [ -z "$browser" ] || [ -z "$fonts" ]; }; then
    why=
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    if can_install; then
        update
        set --
        [ -n "$fonts" ] || set -- fontconfig fonts-noto-cjk
        if [ -z "$browser" ]; then
            is_packaged chromium-headless-shell && install "$@" chromium-headless-shell ||
                install "$@" chromium || why="apt-get could not install $* chromium"
        else
            install "$@" || why="apt-get could not install $*"
        fi
    fi
    [ -n "$browser" ] || browser=$(found_chromium) || browser=
    [ -n "$browser" ] || echo "browser tests skipped: no Chromium found${why:+, and $why} (one elsewhere: BROWSER=/path/to/chromium)" >&2
    has_chinese_font || echo "screenshots will lack Chinese characters: no Chinese font found${why:+, and $why}" >&2
fi
[ -z "$browser" ] || echo "$browser"
