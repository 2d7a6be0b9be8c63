@testable import Results

/// A made-up machine: files below a temporary directory.
func machine(_ files: [String: String]) throws -> (TemporaryDirectory, SystemFiles) {
  let temporary = try TemporaryDirectory()
  for (name, text) in files { try temporary.write(name, text) }
  return (temporary, SystemFiles(root: temporary.path))
}

private let processors = """
  processor\t: 0
  vendor_id\t: AuthenticAMD
  cpu family\t: 25
  model\t\t: 17
  model name\t: AMD EPYC 9R14
  stepping\t: 1
  microcode\t: 0xa10113e
  cpu MHz\t\t: 2600.125
  flags\t\t: fpu erms fsrm constant_tsc nonstop_tsc hypervisor avx2 zzz

  processor\t: 1
  model name\t: another
  """

/// A machine with two sockets, four CPUs and a control group.
let server: [String: String] = [
  "proc/cpuinfo": processors,
  "sys/devices/system/cpu/online": "0-3\n",
  "sys/devices/system/cpu/cpu0/topology/physical_package_id": "0\n",
  "sys/devices/system/cpu/cpu0/topology/core_id": "0\n",
  "sys/devices/system/cpu/cpu1/topology/physical_package_id": "0\n",
  "sys/devices/system/cpu/cpu1/topology/core_id": "1\n",
  "sys/devices/system/cpu/cpu2/topology/physical_package_id": "1\n",
  "sys/devices/system/cpu/cpu2/topology/core_id": "0\n",
  "sys/devices/system/cpu/cpu3/topology/physical_package_id": "1\n",
  "sys/devices/system/cpu/cpu3/topology/core_id": "0\n",
  "sys/devices/system/cpu/smt/active": "1\n",
  "sys/devices/system/cpu/smt/control": "on\n",
  "sys/devices/system/cpu/cpu0/cache/index0/level": "1\n",
  "sys/devices/system/cpu/cpu0/cache/index0/type": "Data\n",
  "sys/devices/system/cpu/cpu0/cache/index0/size": "32K\n",
  "sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size": "64\n",
  "sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list": "0-1\n",
  "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "3400000\n",
  "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
  "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": "intel_pstate\n",
  "sys/devices/system/cpu/intel_pstate/no_turbo": "1\n",
  "sys/devices/system/cpu/isolated": "2-3\n",
  "sys/devices/system/cpu/nohz_full": "(null)\n",
  "sys/devices/system/cpu/vulnerabilities/meltdown": "Not affected\n",
  "sys/devices/system/cpu/vulnerabilities/spectre_v2": "Mitigation: Retpolines\n",
  "sys/devices/system/node/node0/cpulist": "0-1\n",
  "sys/devices/system/node/node0/meminfo": "Node 0 MemTotal:       1048576 kB\nNode 0 MemFree: 5 kB\n",
  "sys/devices/system/node/node1/cpulist": "\n",
  "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
  "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm \n",
  "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
  "sys/kernel/mm/transparent_hugepage/defrag": "always defer defer+madvise [madvise] never\n",
  "proc/meminfo": """
  MemTotal:       24684084 kB
  MemAvailable:   20000000 kB
  SwapTotal:       1000 kB
  SwapFree:         400 kB
  HugePages_Total:       8
  HugePages_Free:        3
  Hugepagesize:       2048 kB
  """,
  "proc/sys/kernel/hostname": "lab-7\n",
  "proc/sys/kernel/osrelease": "6.12.9-amd64\n",
  "proc/sys/kernel/randomize_va_space": "2\n",
  "proc/sys/kernel/shmmax": "18446744073692774399\n",
  "proc/sys/kernel/sem": "32000\t1024000000\t500\t32000\n",
  "proc/sys/fs/pipe-max-size": "1048576\n",
  "proc/self/limits": """
  Limit                     Soft Limit           Hard Limit           Units
  Max stack size            8388608              unlimited            bytes
  Max open files            1024                 524288               files
  Max locked memory         unlimited            unlimited            bytes
  """,
  "proc/self/status": "Name:\tipcbench\nCpus_allowed_list:\t0-1\nMems_allowed_list:\t0\n",
  "proc/self/cgroup": "0::/user.slice/session.scope\n",
  "sys/fs/cgroup/user.slice/cpu.max": "150000 100000\n",
  "sys/fs/cgroup/user.slice/session.scope/cpu.max": "max 100000\n",
  "proc/loadavg": "0.52 0.58 0.59 1/389 12345\n",
  "proc/pressure/cpu":
    "some avg10=3.13 avg60=1.84 avg300=0.83 total=6392793\nfull avg10=9.00 avg60=0 avg300=0 total=0\n",
  "proc/stat": "cpu  100 0 100 700 50 0 0 50 30 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n",
  "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
]
