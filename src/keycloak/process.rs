//! Who is at work: this process, told apart from those of other machines and containers.

/// A name for a run of this process, without spaces: the machine, the process and a random part.
pub fn name() -> String {
    format!("{}/{}/{}", machine(), std::process::id(), &uuid::Uuid::new_v4().simple().to_string()[..8])
}

/// Whether a process of this name is known to be gone; of another machine's, nothing is known.
pub fn is_gone(name: &str) -> bool {
    let mut parts = name.split('/');
    let (Some(machine), Some(process)) = (parts.next(), parts.next()) else { return false };
    let here = !machine.is_empty() && machine == self::machine();
    here && has_ended(process)
}

/// Also one that was killed and that nobody has waited for yet (proc(5): state `Z`).
fn has_ended(process: &str) -> bool {
    match std::fs::read_to_string(std::path::Path::new("/proc").join(process).join("stat")) {
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Names this boot of this machine and this process namespace; empty where that can't be told.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let namespace: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    if boot.is_empty() { boot } else { format!("{}-{namespace}", boot.trim()) }
}
