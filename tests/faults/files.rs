//! F20: the system lets the registry open no more files.

use std::{io::Write, net::TcpStream, process::Command, thread, time::Duration};

use crate::{
    report,
    socket::{Answer, Registry, Setup, get, read_all},
};

const CONNECTIONS: usize = 50;
/// How long connections are refused.
const FAULT: Duration = Duration::from_secs(1);

#[test]
fn no_files_left_is_no_end() {
    let registry = Setup::unlimited().start();
    registry.sign_up("ada@example.org");
    let before = registry.open_files();
    limit_files(&registry, before + 3);
    let mut clients: Vec<TcpStream> = (0..CONNECTIONS).map(|_| registry.connect()).collect();
    thread::sleep(FAULT);
    let during = registry.open_files();
    assert!(during < CONNECTIONS, "{during} files are open");
    limit_files(&registry, 4096);
    for stream in &mut clients {
        stream.write_all(&get("/auth/login").bytes()).unwrap();
        let answer = Answer::parse(&read_all(stream));
        assert_eq!(answer.status, 200);
    }
    drop(clients);
    thread::sleep(FAULT);
    let after = registry.open_files();
    assert!(
        after <= before + 2,
        "{after} files are open, {before} before"
    );
    let log = registry.stop();
    let failures = log.matches("accept failed, will retry").count();
    assert!((1..100).contains(&failures), "{failures} lines in the log");
    report(&format!(
        "F20: {CONNECTIONS} connections with no file left, all answered once there were; {failures} lines in the log, {before} \
         files open before and {after} after"
    ));
}

fn limit_files(registry: &Registry, most: usize) {
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--pid={}", registry.process()));
    let status = prlimit.arg(format!("--nofile={most}:")).status();
    assert!(status.unwrap().success());
}
