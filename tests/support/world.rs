//! What happened while a program ran, and whether it was allowed to.
//!
//! Nothing here panics: what is wrong is written down, for a panic would be taken for one of the
//! program's own.

use std::panic::{panic_any, set_hook, take_hook};
use std::sync::{Arc, Mutex, MutexGuard, Once};

/// The log of one run.
#[derive(Debug, Default)]
pub(crate) struct World {
    log: Mutex<Log>,
    /// Whether the scopes may have helpers. Then something may happen on one thread between an
    /// event on another and its entry in the log, so fewer orders are forbidden.
    helped: bool,
}

#[derive(Debug, Default)]
struct Log {
    clock: u64,
    scopes: Vec<Failures>,
    tasks: Vec<Record>,
    /// How often each value of a task was dropped.
    values: Vec<u32>,
    /// How often each error or payload was dropped.
    faults: Vec<u32>,
    violations: Vec<String>,
}

/// What went wrong in one scope, in order.
#[derive(Debug, Default)]
struct Failures {
    panics: Vec<usize>,
    errors: Vec<usize>,
}

/// What a task is to its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Body,
    Ordinary,
    Background,
}

/// One body or child.
#[derive(Debug)]
struct Record {
    scope: usize,
    role: Role,
    /// Set once `cancel` has returned.
    cancelled: bool,
    finished: bool,
    /// Set if a panic has left it.
    panicked: bool,
    /// When it was dropped.
    dropped: Option<u64>,
}

/// How a scope ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With the value of its body, which in a plain scope may be an error.
    Value,
    Error(usize),
    /// With a panic: one of the program's own, or an alien.
    Panic(Option<usize>),
    /// It was dropped by the task that polled it.
    Dropped,
}

/// An error, or what a panic carries; counts its drop.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) id: usize,
    world: Arc<World>,
}

impl Drop for Fault {
    fn drop(&mut self) {
        self.world.log().faults[self.id] += 1;
    }
}

impl World {
    /// The log of a program whose scopes may have helpers.
    pub(crate) fn helped() -> Arc<Self> {
        Arc::new(Self {
            helped: true,
            ..Self::default()
        })
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("nothing panics under this lock")
    }

    pub(crate) fn scope(&self) -> usize {
        let mut log = self.log();
        log.scopes.push(Failures::default());
        log.scopes.len() - 1
    }

    pub(crate) fn task(&self, scope: usize, role: Role) -> usize {
        let mut log = self.log();
        log.tasks.push(Record {
            scope,
            role,
            cancelled: false,
            finished: false,
            panicked: false,
            dropped: None,
        });
        log.tasks.len() - 1
    }

    pub(crate) fn value(&self) -> usize {
        let mut log = self.log();
        log.values.push(0);
        log.values.len() - 1
    }

    pub(crate) fn fault(self: &Arc<Self>) -> Fault {
        let mut log = self.log();
        log.faults.push(0);
        Fault {
            id: log.faults.len() - 1,
            world: Arc::clone(self),
        }
    }

    /// Fails a scope with an error that somebody is about to return.
    pub(crate) fn error(&self, scope: usize, fault: &Fault) {
        self.log().scopes[scope].errors.push(fault.id);
    }

    /// Fails a scope with the panic that has ended another.
    pub(crate) fn pass_on(&self, scope: usize, end: End) {
        if let End::Panic(Some(id)) = end {
            self.log().scopes[scope].panics.push(id);
        }
    }

    /// Fails a scope with a panic of its own.
    pub(crate) fn explode(self: &Arc<Self>, scope: usize) -> ! {
        quiet_hook();
        let fault = self.fault();
        self.log().scopes[scope].panics.push(fault.id);
        panic_any(fault)
    }

    /// A poll of a task starts.
    pub(crate) fn poll(&self, task: usize) {
        let mut log = self.log();
        let record = &log.tasks[task];
        let failures = &log.scopes[record.scope];
        let wrong = [
            (record.dropped.is_some(), "after it was dropped"),
            (record.finished, "after it had finished"),
            (record.panicked, "after it had panicked"),
            (record.cancelled, "after it was cancelled"),
            (!failures.panics.is_empty(), "after a panic in its scope"),
            (!failures.errors.is_empty(), "after an error in its scope"),
            (log.is_useless(record), "although nobody waits for it"),
        ];
        // A helper may have begun the poll before it could see the last four.
        let forbidden = if self.helped { 3 } else { wrong.len() };
        for (_, what) in wrong[..forbidden].iter().filter(|(wrong, _)| *wrong) {
            log.violations
                .push(format!("task {task} was polled {what}"));
        }
    }

    /// A task has given its value, or its error.
    pub(crate) fn finish(&self, task: usize) {
        self.log().tasks[task].finished = true;
    }

    /// A panic leaves a task.
    pub(crate) fn leave(&self, task: usize) {
        self.log().tasks[task].panicked = true;
    }

    pub(crate) fn cancel(&self, task: usize) {
        self.log().tasks[task].cancelled = true;
    }

    /// The destructor of a task.
    pub(crate) fn drop_task(&self, task: usize) {
        let mut log = self.log();
        log.clock += 1;
        let now = log.clock;
        if log.tasks[task].dropped.replace(now).is_some() {
            log.violations
                .push(format!("task {task} was dropped twice"));
        }
    }

    pub(crate) fn drop_value(&self, value: usize) {
        self.log().values[value] += 1;
    }

    /// H2: the future of `cancel` has resolved.
    pub(crate) fn resolved(&self, task: usize, with_value: bool) {
        let mut log = self.log();
        let record = &log.tasks[task];
        // One that finished on a helper at that very moment was cancelled nevertheless.
        let late = self.helped && record.finished;
        if record.dropped.is_none() || (record.finished != with_value && !late) {
            let message = format!("cancel gave a value ({with_value}) for {record:?}");
            log.violations.push(message);
        }
    }

    pub(crate) fn expect(&self, right: bool, message: impl FnOnce() -> String) {
        if !right {
            self.log().violations.push(message());
        }
    }

    /// L1, L3: nothing of a scope is left.
    pub(crate) fn nothing_left(&self, scope: usize) {
        let mut log = self.log();
        let alive = log.of(scope).filter(|task| task.dropped.is_none()).count();
        if alive > 0 {
            log.violations
                .push(format!("{alive} tasks of scope {scope} are alive after it"));
        }
    }

    /// A scope has returned, raised or been dropped.
    pub(crate) fn end(&self, scope: usize, end: End) {
        self.nothing_left(scope);
        let mut log = self.log();
        if let Some(reason) = log.wrong_end(scope, end, self.helped) {
            let message = format!("scope {scope} ended with {end:?}: {reason}");
            log.violations.push(message);
        }
    }

    /// What was wrong, if anything; for when everything is over.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let mut log = self.log();
        let counts = [
            (
                "task",
                log.tasks
                    .iter()
                    .filter(|task| task.dropped.is_none())
                    .count(),
            ),
            (
                "value",
                log.values.iter().filter(|drops| **drops != 1).count(),
            ),
            (
                "fault",
                log.faults.iter().filter(|drops| **drops != 1).count(),
            ),
        ];
        for (what, wrong) in counts.iter().filter(|(_, wrong)| *wrong > 0) {
            log.violations
                .push(format!("not dropped exactly once: {wrong} {what}(s)"));
        }
        match log.violations.is_empty() {
            true => Ok(()),
            false => Err(log.violations.join("\n")),
        }
    }
}

impl Record {
    /// True if it was not the end of the scope that ended it.
    fn ended_by_itself(&self) -> bool {
        self.finished || self.panicked || self.cancelled
    }
}

impl Log {
    fn of(&self, scope: usize) -> impl Iterator<Item = &Record> + Clone {
        self.tasks.iter().filter(move |task| task.scope == scope)
    }

    /// L2: true for a background child when the body and all ordinary children are done.
    fn is_useless(&self, task: &Record) -> bool {
        let mut others = self
            .of(task.scope)
            .filter(|task| task.role != Role::Background);
        task.role == Role::Background && others.all(|task| task.finished && task.dropped.is_some())
    }

    /// Says why a scope must not have ended like this.
    fn wrong_end(&self, scope: usize, end: End, helped: bool) -> Option<&'static str> {
        let Failures { panics, errors } = &self.scopes[scope];
        let is_first = |failures: &[usize], id: usize| match helped {
            false => failures.first() == Some(&id),
            true => failures.contains(&id), // which was first is known to the scope alone
        };
        let right = match end {
            End::Value => panics.is_empty() && errors.is_empty(),
            End::Error(id) => panics.is_empty() && is_first(errors, id),
            End::Panic(id) => id.is_some_and(|id| is_first(panics, id)),
            End::Dropped => true,
        };
        if !right {
            return Some("that is not its first panic or error");
        }
        let body = self.of(scope).find(|task| task.role == Role::Body);
        let body_dropped = body.and_then(|body| body.dropped);
        // The children that the end has dropped.
        let mut cut_off = self
            .of(scope)
            .filter(|task| task.role != Role::Body && !task.ended_by_itself());
        if cut_off.clone().any(|child| child.dropped < body_dropped) {
            return Some("a child was dropped before the body");
        }
        if end != End::Value {
            return None;
        }
        if cut_off.clone().any(|child| child.role == Role::Ordinary) {
            return Some("it did not wait for an ordinary child");
        }
        let ordinary = self.of(scope).filter(|task| task.role == Role::Ordinary);
        let last = ordinary.filter_map(|task| task.dropped).max();
        if cut_off.any(|child| child.dropped < last) {
            return Some("a background child was dropped before an ordinary one");
        }
        None
    }
}

/// Keeps the panics of programs out of the output.
fn quiet_hook() {
    static ONCE: Once = Once::new();
    if std::thread::panicking() {
        return; // too late to change the hook
    }
    ONCE.call_once(|| {
        let report = take_hook();
        set_hook(Box::new(move |info| {
            if !info.payload().is::<Fault>() {
                report(info);
            }
        }));
    });
}
