#!/usr/bin/env bash
# Runs the tests under AddressSanitizer: no use of freed memory, no leak.
#
#     bash tests/sanitize.sh
#
# Needs a nightly toolchain (`NIGHTLY` names another one) and, to recognise the one leak that the
# crate makes on purpose, llvm-symbolizer. Builds into the folder `asan` of the target folder. Exits
# with 0 if nothing was found, with 2 if there is no such toolchain, and with another number if
# something was found.
set -euo pipefail
cd "$(dirname "$0")/.."

nightly=${NIGHTLY:-nightly}
target_dir=${CARGO_TARGET_DIR:-$PWD/target}/asan
export RUSTUP_AUTO_INSTALL=0
# A report names the lines, whatever else is built without.
export CARGO_PROFILE_DEV_DEBUG=line-tables-only

# Neither the models nor the programs that must not compile have memory of their own to look at.
packages=(-p taskpen -p prefetch -p shutdown)
# Run without leak detection, for they leak on purpose, or coroutines do: all of these files, and
# elsewhere the tests whose names contain this word.
leaking_files='forget stack_switching'
leaking_tests='forgotten'

say() { printf 'sanitize: %s\n' "$*"; }
is_in() { case " $2 " in *" $1 "*) ;; *) return 1 ;; esac; }

host=$(rustc "+$nightly" -vV 2>/dev/null | sed -n 's/^host: //p') || true
if [ -z "$host" ]; then
    say "there is no toolchain \"$nightly\", and -Zsanitizer needs a nightly one" >&2
    exit 2
fi

# Everything below is worth nothing if the sanitizer does not see what it is there for. So it has
# to find a bug in each of two small programs first.
probe() {
    local name=$1 code=$2
    mkdir -p "$target_dir/probe"
    printf '%s\n' "$code" >"$target_dir/probe/$name.rs"
    rustc "+$nightly" -Awarnings -Zsanitizer=address \
        -o "$target_dir/probe/$name" "$target_dir/probe/$name.rs"
    ASAN_OPTIONS=detect_leaks=$3 "$target_dir/probe/$name" >"$target_dir/probe/$name.log" 2>&1 &&
        return 1
    grep -q "$4" "$target_dir/probe/$name.log"
}

if ! probe freed 'fn main() {
    let page = Box::new(7);
    let stale = &raw const *page;
    drop(page);
    println!("{}", unsafe { *stale });
}' 0 'heap-use-after-free'; then
    say "AddressSanitizer does not work here; of a use of freed memory it said:" >&2
    cat "$target_dir/probe/freed.log" >&2
    exit 1
fi

# A thread of its own, so that no register and no stack slot still points to what leaks.
leaks=1
if ! probe leaking 'fn main() {
    let thread = std::thread::spawn(|| std::mem::forget(vec![7; 1000]));
    thread.join().unwrap();
}' 1 'detected memory leaks'; then
    leaks=0
    say 'NO LEAK DETECTION: it does not work here (it needs ptrace); of a leak it said:'
    cat "$target_dir/probe/leaking.log"
elif ! command -v llvm-symbolizer >/dev/null; then
    leaks=0
    say 'NO LEAK DETECTION: without llvm-symbolizer the suppression below matches nothing'
fi

# When the destructor of a panic payload panics, `discard` leaks the payload of that panic: its
# destructor could do the same for ever. A suppression looks at where memory was allocated, so this
# one hides what foreign destructors allocate inside `discard`, and nothing else. Global executors
# need none: what they own is reachable from statics and from threads that still run.
suppressions=$target_dir/leaks.txt
echo 'leak:taskpen::panic::discard' >"$suppressions"

checked=(--lib --bins)
unchecked=()
say 'skipped: the code in the documentation'
for file in {,prefetch/,shutdown/}tests/{*.rs,*/main.rs}; do
    [ -e "$file" ] || continue
    name=${file#*tests/}
    name=${name%/main.rs}
    name=${name%.rs}
    if is_in "$name" "$leaking_files"; then
        say "skipped in leak detection: the tests in $file"
        unchecked+=(--test "$name")
    else
        checked+=(--test "$name")
    fi
done
say "skipped in leak detection: tests elsewhere whose names contain \"$leaking_tests\""

sanitized() {
    say "cargo test $* (ASAN_OPTIONS=$ASAN_OPTIONS)"
    RUSTFLAGS='-Zsanitizer=address --cfg taskpen_sanitized' \
        LSAN_OPTIONS=print_suppressions=0:suppressions=$suppressions \
        cargo "+$nightly" test "${packages[@]}" --all-features \
        --target "$host" --target-dir "$target_dir" "$@"
}

# Fake stack frames, so that a child which uses a body's local after its return is seen as well.
options=detect_stack_use_after_return=1
export ASAN_OPTIONS

ASAN_OPTIONS=$options:detect_leaks=$leaks
sanitized "${checked[@]}" -- --skip "$leaking_tests"

ASAN_OPTIONS=$options:detect_leaks=0
sanitized "${checked[@]}" -- --quiet "$leaking_tests"
[ ${#unchecked[@]} -eq 0 ] || sanitized "${unchecked[@]}"

# Once more with helpers in every window that can be opened.
say 'with all windows open'
RUSTC_WORKSPACE_WRAPPER=$PWD/tests/force_windows.sh
export RUSTC_WORKSPACE_WRAPPER
ASAN_OPTIONS=$options:detect_leaks=$leaks
sanitized "${checked[@]}" -- --skip "$leaking_tests"
ASAN_OPTIONS=$options:detect_leaks=0
sanitized "${checked[@]}" -- --quiet "$leaking_tests"
[ ${#unchecked[@]} -eq 0 ] || sanitized "${unchecked[@]}"

if [ "$leaks" = 1 ]; then
    say 'no use of freed memory, no leak'
else
    say 'no use of freed memory; leaks were not looked for, see above'
fi
