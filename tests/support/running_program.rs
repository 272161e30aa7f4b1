//! Runs random programs and writes down in their world what happens.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_lite::FutureExt;
use futures_lite::future::yield_now;
use taskpen::{JoinHandle, Scope, TryScope, scope, try_scope};

use super::random_program::{Bomb, How, Nest, Op, Task, take};
use super::waiting::{Boxed, at_most, park};
use super::world::{End, Fault, Role, World};

/// What all tasks of one scope borrow: it lives in the task that opened the scope.
pub(crate) struct Here {
    world: Arc<World>,
    scope: usize,
    name: String,
}

impl Here {
    fn new(world: &Arc<World>) -> Self {
        let scope = world.scope();
        Self {
            world: Arc::clone(world),
            scope,
            name: format!("scope {scope}"),
        }
    }

    /// Reads what is borrowed. With a destructor gone wrong this is a use after free.
    fn touch(&self) {
        self.world.expect(self.name.starts_with("scope"), || {
            "a borrow has ended".into()
        });
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        // L3: also if the task around it was dropped in the middle of the scope.
        self.world.nothing_left(self.scope);
    }
}

/// A handle of either kind of scope.
#[derive(Clone)]
enum Pen<'s> {
    Plain(Scope<'s>),
    Fallible(TryScope<'s, Fault>),
}

/// A handle of a child, and what the child gives.
enum Handle<'s> {
    Isolated(JoinHandle<'s, Result<Value<'s>, Fault>>),
    Fallible(JoinHandle<'s, Value<'s>>),
}

/// A child that a task can join or cancel.
struct Known<'s> {
    handle: Handle<'s>,
    id: usize,
    task: &'s Task,
}

/// The value of a task; counts its drop.
struct Value<'s> {
    value: u64,
    id: usize,
    here: &'s Here,
    /// Panics if it is dropped before somebody has read the value.
    armed: bool,
}

impl Value<'_> {
    fn read(mut self) -> u64 {
        self.armed = false;
        self.value
    }
}

impl Drop for Value<'_> {
    fn drop(&mut self) {
        self.here.touch();
        self.here.world.drop_value(self.id);
        if self.armed {
            self.here.world.explode(self.here.scope);
        }
    }
}

/// A body or a child, with the bookkeeping around its steps.
struct Run<'s> {
    steps: Option<Boxed<'s, Result<u64, Fault>>>,
    id: usize,
    here: &'s Here,
    bomb: Bomb,
    /// Whether an error ends the scope.
    fatal: bool,
}

impl<'s> Run<'s> {
    fn body(task: &'s Task, pen: Pen<'s>, here: &'s Here) -> Self {
        Self::new(task, pen, here, Role::Body)
    }

    fn child(task: &'s Task, pen: Pen<'s>, here: &'s Here, how: How) -> Self {
        let role = match how {
            How::Background => Role::Background,
            _ => Role::Ordinary,
        };
        let mut run = Self::new(task, pen, here, role);
        match how {
            How::Isolated => run.fatal = false,
            // An `await` whose future panics in its destructor leaks the value, and there is one
            // in `spawn_with`.
            How::With => run.bomb = Bomb::None,
            _ => {}
        }
        run
    }

    fn new(task: &'s Task, pen: Pen<'s>, here: &'s Here, role: Role) -> Self {
        let fatal = matches!(pen, Pen::Fallible(_));
        Self {
            steps: Some(Box::pin(run_steps(task, pen, here))),
            id: here.world.task(here.scope, role),
            here,
            bomb: task.bomb,
            fatal,
        }
    }
}

impl<'s> Future for Run<'s> {
    type Output = Result<Value<'s>, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let here = self.here;
        here.touch();
        here.world.poll(self.id);
        let Some(steps) = &mut self.steps else {
            return Poll::Pending; // the log has noted it
        };
        let poll = catch_unwind(AssertUnwindSafe(|| steps.as_mut().poll(cx)));
        let outcome = ready!(poll.unwrap_or_else(|payload| {
            here.world.leave(self.id);
            resume_unwind(payload)
        }));
        here.world.finish(self.id);
        Poll::Ready(match outcome {
            Ok(value) => Ok(Value {
                value,
                id: here.world.value(),
                here,
                armed: self.bomb == Bomb::Value,
            }),
            Err(fault) => {
                if self.fatal {
                    here.world.error(here.scope, &fault);
                }
                Err(fault)
            }
        })
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.here.touch();
        self.steps = None;
        self.here.world.drop_task(self.id);
        if self.bomb == Bomb::Future {
            self.here.world.explode(self.here.scope);
        }
    }
}

/// Takes the steps of a task, one after the other.
async fn run_steps<'s>(task: &'s Task, pen: Pen<'s>, here: &'s Here) -> Result<u64, Fault> {
    let mut children: Vec<Known<'s>> = Vec::new();
    let mut value = Task::START;
    for op in &task.ops {
        here.touch();
        let mut step = 0;
        match op {
            Op::Yield => yield_now().await,
            Op::Park => park().await,
            Op::Work(time) => {
                let start = Instant::now();
                while start.elapsed() < *time {
                    here.touch();
                }
            }
            Op::Spawn(how, task) => children.push(spawn(&pen, *how, task, here)),
            Op::Join(index) => {
                if let Some(child) = take(&mut children, *index) {
                    step = join(child, here).await;
                }
            }
            Op::Cancel(index) => {
                if let Some(child) = take(&mut children, *index) {
                    cancel(child, here).await;
                }
            }
            Op::CancelInPassing(index) => {
                if let Some(child) = take(&mut children, *index) {
                    match child.handle {
                        Handle::Isolated(handle) => drop(handle.cancel()),
                        Handle::Fallible(handle) => drop(handle.cancel()),
                    }
                    here.world.cancel(child.id);
                }
            }
            Op::DropHandle(index) => drop(take(&mut children, *index)),
            Op::Nest(nest) => step = run_nest(nest, &here.world, Some(here)).await,
            Op::Fail => return Err(here.world.fault()),
            Op::Panic => here.world.explode(here.scope),
        }
        value = Task::advance(value, step);
    }
    Ok(value)
}

fn spawn<'s>(pen: &Pen<'s>, how: How, task: &'s Task, here: &'s Here) -> Known<'s> {
    let run = Run::child(task, pen.clone(), here, how);
    let id = run.id;
    let handle = match (pen, how) {
        (Pen::Plain(s), How::Background) => Handle::Isolated(s.spawn_background(run)),
        (Pen::Plain(s), How::With) => Handle::Isolated(s.spawn_with(|_| run)),
        (Pen::Plain(s), _) => Handle::Isolated(s.spawn(run)),
        (Pen::Fallible(s), How::Background) => Handle::Fallible(s.spawn_background(run)),
        (Pen::Fallible(s), How::With) => Handle::Fallible(s.spawn_with(|_| run)),
        (Pen::Fallible(s), How::Ordinary) => Handle::Fallible(s.spawn(run)),
        (Pen::Fallible(s), How::Isolated) => {
            let plain: &Scope<'s> = s;
            Handle::Isolated(plain.spawn(run))
        }
    };
    Known { handle, id, task }
}

/// Awaits a child, whose value has to be that of the model.
async fn join(child: Known<'_>, here: &Here) -> u64 {
    let value = match child.handle {
        Handle::Isolated(handle) => handle.await.ok(),
        Handle::Fallible(handle) => Some(handle.await),
    };
    let value = value.map(Value::read);
    here.world.expect(value == child.task.outcome(), || {
        format!("child {} gave {value:?}", child.id)
    });
    value.unwrap_or(0)
}

/// Cancels a child and waits until it is gone. Whether there is a value depends on the schedule.
async fn cancel(child: Known<'_>, here: &Here) {
    let value = match child.handle {
        Handle::Isolated(handle) => {
            let cancel = handle.cancel();
            here.world.cancel(child.id);
            cancel.await
        }
        Handle::Fallible(handle) => {
            let cancel = handle.cancel();
            here.world.cancel(child.id);
            cancel.await.map(Ok)
        }
    };
    here.world.resolved(child.id, value.is_some());
    if let Some(Ok(value)) = value {
        let value = value.read();
        here.world.expect(Some(value) == child.task.outcome(), || {
            format!("cancelled child {} gave {value:?}", child.id)
        });
    }
}

/// Runs a scope, checks how it ended, and gives what it adds to the value of its task.
pub(crate) async fn run_nest(nest: &Nest, world: &Arc<World>, outside: Option<&Here>) -> u64 {
    let here = Here::new(world);
    let task = &nest.body;
    let sc = if nest.fallible {
        try_scope(|s| Run::body(task, Pen::Fallible(s), &here)).boxed()
    } else {
        scope(|s| Run::body(task, Pen::Plain(s), &here)).boxed()
    };
    let outcome = AssertUnwindSafe(at_most(nest.polls, sc))
        .catch_unwind()
        .await;
    let end = match &outcome {
        Ok(None) => End::Dropped,
        Ok(Some(Err(fault))) if nest.fallible => End::Error(fault.id),
        Ok(Some(_)) => End::Value,
        Err(payload) => End::Panic(payload.downcast_ref::<Fault>().map(|fault| fault.id)),
    };
    world.end(here.scope, end);
    match (outcome, outside) {
        (Ok(Some(Ok(value))), _) => {
            let value = value.read();
            world.expect(Some(value) == nest.body.outcome(), || {
                format!("{} gave {value}", here.name)
            });
            nest.contribution()
        }
        (Err(payload), Some(outside)) if !nest.caught => {
            world.pass_on(outside.scope, end);
            resume_unwind(payload)
        }
        _ => 0,
    }
}
