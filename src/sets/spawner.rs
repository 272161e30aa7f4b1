//! The four kinds of scope handles, as what sets and streams spawn their children through.
//!
//! Sets and streams are written once, for any handle `S`. What a child may be differs: with or
//! without `Send`, with or without `Result`. The public methods say so, one for each kind of
//! handle; behind them stands this trait.
#![forbid(unsafe_code)]

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::queue::Kind;
use crate::run::shared::Shared;
use crate::scope::TryScope;
use crate::scope::{Local, Multi, Scope};
use crate::sets::member::Member;
use crate::sets::results::Results;
use crate::task::child::{spawn_local, spawn_multi};
use crate::task::error::TryChild;
use crate::task::handle::JoinHandle;

/// A handle of a scope.
pub(crate) trait ScopeHandle: Clone {
    fn shared(&self) -> &Arc<Shared>;

    /// True once the scope refuses new children.
    fn is_ended(&self) -> bool {
        self.shared().queue.is_ended()
    }
}

impl<M> ScopeHandle for Scope<'_, M> {
    fn shared(&self) -> &Arc<Shared> {
        self.shared()
    }
}

impl<E, M> ScopeHandle for TryScope<'_, E, M> {
    fn shared(&self) -> &Arc<Shared> {
        Scope::shared(self)
    }
}

/// A handle through which an `F` can be spawned, as an ordinary child that gives a `T`.
pub(crate) trait Spawner<'env, F, T>: ScopeHandle {
    /// Spawns a child whose handle yields the value.
    fn spawn_at(&self, future: F, location: &'static Location<'static>) -> JoinHandle<'env, T>;

    /// Spawns a child that leaves the value for a set.
    fn spawn_into(
        &self,
        results: &Arc<Results<T>>,
        future: F,
        location: &'static Location<'static>,
    );
}

impl<'env, F, T> Spawner<'env, F, T> for Scope<'env, Multi>
where
    F: Future<Output = T> + Send + 'env,
    T: Send + 'env,
{
    fn spawn_at(&self, future: F, location: &'static Location<'static>) -> JoinHandle<'env, T> {
        spawn_multi(self, Kind::Ordinary, location, future)
    }

    fn spawn_into(
        &self,
        results: &Arc<Results<T>>,
        future: F,
        location: &'static Location<'static>,
    ) {
        let member = Member::new(future, results);
        spawn_multi(self, Kind::Ordinary, location, member);
    }
}

impl<'env, F, T> Spawner<'env, F, T> for Scope<'env, Local>
where
    F: Future<Output = T> + 'env,
    T: 'env,
{
    fn spawn_at(&self, future: F, location: &'static Location<'static>) -> JoinHandle<'env, T> {
        spawn_local(self, Kind::Ordinary, location, future)
    }

    fn spawn_into(
        &self,
        results: &Arc<Results<T>>,
        future: F,
        location: &'static Location<'static>,
    ) {
        let member = Member::new(future, results);
        spawn_local(self, Kind::Ordinary, location, member);
    }
}

impl<'env, F, T, E, M> Spawner<'env, F, T> for TryScope<'env, E, M>
where
    Scope<'env, M>: Spawner<'env, TryChild<F, E>, T>,
{
    fn spawn_at(&self, future: F, location: &'static Location<'static>) -> JoinHandle<'env, T> {
        let scope: &Scope<'env, M> = self;
        scope.spawn_at(TryChild::new(future, self.error()), location)
    }

    fn spawn_into(
        &self,
        results: &Arc<Results<T>>,
        future: F,
        location: &'static Location<'static>,
    ) {
        let scope: &Scope<'env, M> = self;
        scope.spawn_into(results, TryChild::new(future, self.error()), location);
    }
}
