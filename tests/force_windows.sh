#!/usr/bin/env bash
# Compiles the packages of this workspace and their tests so that every window opens that can, whatever it costs:
#
#     RUSTC_WORKSPACE_WRAPPER=$PWD/tests/force_windows.sh cargo test --all-features --tests
#
# A wrapper rather than RUSTFLAGS, so that what the crate depends on is not built once more.
exec "$@" --cfg taskpen_force_windows
