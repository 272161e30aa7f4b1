//! Random programs: whatever they do, everything is dropped exactly once, in the right order, and
//! what a scope gives is what a sequential model says.
//!
//! A program is deterministic apart from one thing: the moment at which another thread wakes a
//! task. Nothing that is checked depends on it.

use std::env;
use std::sync::Arc;

use futures_lite::future::block_on;
use proptest::prelude::*;
use taskpen::Pen;

use crate::lenders::Pool;
use crate::random_program::{Nest, clean, failing};
use crate::running_program::run_nest;
use crate::world::World;

proptest! {
    #![proptest_config(config())]

    /// L1, L2, F6, H2, H4: programs in which nothing fails give the values of the model.
    #[test]
    fn programs_without_failures(program in clean()) {
        let (outcome, world) = run_program(&program);
        prop_assert_eq!(outcome, program.contribution());
        prop_assert_eq!(world.verdict(), Ok(()));
    }

    /// P1, P2, P13: so they do as children of a pen.
    #[test]
    fn programs_in_a_pen(program in clean()) {
        let world = World::helped();
        let pen = Pen::on(Pool::new(1));
        let (expected, shared) = (program.contribution(), Arc::clone(&world));
        let child = pen.spawn(async move { run_nest(&program, &shared, None).await });
        prop_assert_eq!(block_on(child), expected);
        block_on(pen.close());
        prop_assert_eq!(world.verdict(), Ok(()));
    }

    /// L1, L2, L3, F1 to F6, H2: programs that panic, fail and are dropped half-way.
    #[test]
    fn programs_that_fail(program in failing()) {
        let (_, world) = run_program(&program);
        prop_assert_eq!(world.verdict(), Ok(()));
    }
}

/// A second's worth of programs; `PROPTEST_CASES` sets another number.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: match env::var_os("PROPTEST_CASES") {
            Some(_) => default.cases,
            None => 1000,
        },
        failure_persistence: None,
        ..default
    }
}

fn run_program(program: &Nest) -> (u64, Arc<World>) {
    let world = match cfg!(taskpen_force_windows) {
        true => World::helped(),
        false => Arc::default(),
    };
    let value = block_on(run_nest(program, &world, None));
    (value, world)
}
