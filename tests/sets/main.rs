//! Sets and streams of children: the ids S and T.

#[macro_use]
#[path = "../support/life.rs"]
mod life;
#[path = "../support/failing.rs"]
mod failing;
#[path = "../support/foreign.rs"]
mod foreign;
#[path = "../support/lenders.rs"]
mod lenders;
#[path = "../support/meeting.rs"]
mod meeting;

mod auto_traits;
mod ended;
mod failure;
mod helpers;
mod hostile;
mod join_set;
mod large;
mod reading;
mod streams;
mod streams_failure;
mod streams_shape;
mod wait_below;
mod waiting;
