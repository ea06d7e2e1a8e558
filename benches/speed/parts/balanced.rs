//! Several processes behind nginx on a replica set of three, and the time of a core that each part of an answer takes. On
//! one machine they share the cores, so the rates do not add up; the times are what a larger registry is computed from.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use crate::{
    dataset::{Dataset, cpu_seconds},
    load::{Ask, saturate},
    plan::{Plan, cores},
    replica_set::ReplicaSet,
    socket::Registry,
};

/// How long nginx may take to start.
const START: Duration = Duration::from_secs(10);

/// A line for each kind of request and number of processes.
pub fn lines(plan: &Plan) -> Vec<String> {
    let Some(nginx) = env::var_os("PROXIES").map(|folder| PathBuf::from(folder).join("nginx"))
    else {
        return vec!["No nginx: PROXIES is not set.".to_owned()];
    };
    crate::plan::progress("processes behind nginx, MongoDB");
    let runtime = Runtime::new().unwrap();
    let set = runtime.block_on(ReplicaSet::start(3));
    let primary = runtime.block_on(set.primary());
    let dataset = Dataset::at(Some(set.uri()), plan.users[0], plan.tokens);
    let mut lines = Vec::new();
    for processes in [1, 2, 4] {
        let servers: Vec<Registry> = (0..processes).map(|_| dataset.serve()).collect();
        let proxy = Nginx::before(&nginx, &servers);
        for (what, ask) in [
            (
                "whoami by token",
                Dataset::asked_by_token as fn(&Dataset) -> Ask,
            ),
            ("token check", Dataset::token_checks),
            ("login", Dataset::logins),
        ] {
            let ask = ask(&dataset);
            let seconds = || {
                let registry: f64 = servers.iter().map(|one| cpu_seconds(one.process())).sum();
                let members = set.members.iter().map(|one| cpu_seconds(one.process()));
                let members: Vec<f64> = members.collect();
                let secondaries = members.iter().sum::<f64>() - members[primary];
                [registry, proxy.cpu_seconds(), members[primary], secondaries]
            };
            let before = seconds();
            let answers = saturate(&[proxy.address], 8 * cores(), plan.span, &ask);
            let micros =
                |place: usize| (seconds()[place] - before[place]) * 1e6 / answers.all as f64;
            lines.push(format!(
                "{what}, {processes} processes behind nginx, replica set of three: {:.0}/s; µs of a core each: registry {:.0}, \
                 nginx {:.0}, primary {:.0}, both secondaries {:.0}",
                answers.per_second(),
                micros(0),
                micros(1),
                micros(2),
                micros(3),
            ));
        }
    }
    lines
}

/// A running nginx; it is killed when it is dropped.
struct Nginx {
    address: SocketAddr,
    process: Child,
    folder: PathBuf,
}

impl Nginx {
    /// nginx in front of these servers, with as many processes of its own as there are cores.
    fn before(program: &PathBuf, servers: &[Registry]) -> Self {
        let folder = env::temp_dir().join(format!("fpm-registry-nginx-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let upstream: String = servers
            .iter()
            .map(|server| format!("server {};", server.address))
            .collect();
        let (dir, cores) = (folder.display(), cores());
        let main = format!(
            "daemon off; worker_processes {cores}; pid {dir}/pid; error_log {dir}/error.log; \
             events {{ worker_connections 1024; }} \
             http {{ access_log off; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c; \
             uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e; upstream registry {{ {upstream} keepalive 64; }} \
             server {{ listen {address}; keepalive_requests 1000000; location / {{ proxy_pass http://registry; \
             proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $http_host; }} }} }}"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, main).unwrap();
        let process = Command::new(program)
            .args(["-e", "stderr", "-c"])
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < START, "nginx does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            address,
            process,
            folder,
        }
    }

    /// Seconds of a core that its processes have used.
    fn cpu_seconds(&self) -> f64 {
        let id = self.process.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let children = children
            .split_whitespace()
            .map(|child| child.parse().unwrap());
        cpu_seconds(id) + children.map(cpu_seconds).sum::<f64>()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
