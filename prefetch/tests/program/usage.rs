//! The command line: the help, and what is said of options that cannot be.

use crate::outcome::run;

/// The help names every option.
#[test]
fn help() {
    for option in ["--help", "-h"] {
        let outcome = run(&["--untracked", option]);
        outcome.assert_success();
        let options = [
            "root",
            "url",
            "pages",
            "in-flight",
            "pause",
            "latency",
            "timeout",
            "read-ahead",
            "no-prefetch",
            "untracked",
            "timeline",
            "trace",
        ];
        for option in options {
            assert!(
                outcome.stdout.contains(&format!("  --{option} ")),
                "{option}: {outcome:?}"
            );
        }
        assert!(outcome.stdout.contains("130 after Ctrl-C"), "{outcome:?}");
    }
}

/// Bad usage is answered with a message that says what is wrong, before anything is done.
fn assert_refused(cases: &[(&[&str], &str)]) {
    for (arguments, message) in cases {
        let outcome = run(arguments);
        outcome.assert_failure(2, message);
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
    }
}

#[test]
fn bad_options() {
    assert_refused(&[
        (&["--frob"], "'--frob'"),
        (&["page.html"], "\"page.html\""),
        (&["--untracked=yes"], "'--untracked'"),
        (&["--pages"], "'--pages'"),
        (&["--url", "index.html"], "write it like http://"),
        (&["--url", "https://localhost/"], "only http:// is spoken"),
        (
            &["--url", "http://a/", "--root", "."],
            "`--root` or `--url`",
        ),
        (
            &["--untracked", "--read-ahead"],
            "give one of `--read-ahead`, `--no-prefetch` and `--untracked`",
        ),
        (
            &["--no-prefetch", "--untracked"],
            "give one of `--read-ahead`, `--no-prefetch` and `--untracked`",
        ),
        (
            &["--root", "/no/such/directory"],
            "cannot serve /no/such/directory",
        ),
        (&["--root", "Cargo.toml"], "it is not a directory"),
        (&["--root", "tests"], "no index.html to start at"),
    ]);
}

#[test]
fn bad_numbers() {
    assert_refused(&[
        (
            &["--pages", "0"],
            "`--pages` takes a whole number of at least 1, not \"0\"",
        ),
        (
            &["--pages", "-1"],
            "`--pages` takes a whole number of at least 1",
        ),
        (
            &["--in-flight", "0"],
            "`--in-flight` takes a whole number of at least 1, not \"0\"",
        ),
        (
            &["--in-flight", "many"],
            "`--in-flight` takes a whole number of at least 1",
        ),
        (
            &["--pause", "1.5"],
            "`--pause` takes a whole number of milliseconds",
        ),
        (
            &["--latency", "-1"],
            "`--latency` takes a whole number of milliseconds",
        ),
        (
            &["--timeout", "0"],
            "`--timeout` takes a number of seconds above 0, not \"0\"",
        ),
        (
            &["--timeout", "nan"],
            "`--timeout` takes a number of seconds above 0",
        ),
        (
            &["--timeout", "-1e400"],
            "`--timeout` takes a number of seconds above 0",
        ),
    ]);
}

/// A number that is too large is one all the same, and the message says which is the largest.
#[test]
fn large_numbers() {
    let (most, more) = (u64::MAX.to_string(), "99999999999999999999");
    for option in [
        "--pages",
        "--in-flight",
        "--pause",
        "--latency",
        "--timeout",
    ] {
        let message = format!("`{option}` takes {most} at most, and {more:?} is more");
        assert_refused(&[(&[option, more], &message)]);
    }
    let endless = "`--timeout` takes 18446744073709551615 at most, and \"1e400\" is more";
    assert_refused(&[(&["--timeout", "1e400"], endless)]);
}
