//! taskpen against its peers: one process, one table.
//!
//! ```sh
//! cargo bench -p taskpen-benches --bench peers
//! ```
//!
//! All contestants of a workload run the same children and are measured in turns; see [`race`].
//! Each peer runs where it is at its best, and taskpen is measured in that very place; see
//! [`places`]. Losses are shown like wins.

#[path = "../common/mod.rs"]
mod common;

mod chart;
mod contestants;
mod heap;
mod options;
mod places;
mod publish;
mod race;
mod report;
mod workloads;

use std::fs;
use std::process::ExitCode;

use options::{Options, USAGE};
use race::Effort;
use report::Report;
use workloads::Workload;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse()?;
    let workloads = select(options.filter.as_deref());
    if options.help {
        println!("{USAGE}");
    } else if options.list {
        workloads
            .iter()
            .for_each(|workload| println!("{}", workload.name));
    } else if let Some(numbers) = &options.publish {
        let report = serde_json::from_str(&fs::read_to_string(numbers)?)?;
        publish::publish(&report)?;
    } else {
        heap::settle();
        let report = measure(&workloads, &options);
        println!("\n{}", report.markdown());
        if let Some(file) = &options.json {
            fs::write(file, serde_json::to_string_pretty(&report)? + "\n")?;
        }
    }
    Ok(())
}

fn select(filter: Option<&str>) -> Vec<&'static Workload> {
    let is_wanted = |workload: &&Workload| filter.is_none_or(|text| workload.name.contains(text));
    workloads::ALL.iter().filter(is_wanted).collect()
}

fn measure(workloads: &[&Workload], options: &Options) -> Report {
    let effort = if options.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let mut report = Report::new(options.quick, workloads.len() < workloads::ALL.len());
    for workload in workloads {
        eprintln!("measuring {} …", workload.name);
        report.add(workload.kind, (workload.run)(effort));
    }
    report
}
