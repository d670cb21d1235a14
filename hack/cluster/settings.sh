# Paths and addresses that all scripts here share; sourced, never run.
# shellcheck shell=bash disable=SC2034
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$repository/.cache/cluster-programs
# A second cluster beside the first needs a folder and a /16 of its own.
state=${BAAS_CLUSTER_STATE:-$repository/.cache/cluster}
net=${BAAS_CLUSTER_NET:-10.213}

host_address=$net.255.1 # this machine, as pods see it
node_address=$net.255.2 # the node, as this machine sees it
pods=$net.0.0/24
services=$net.1.0/24
api_service=$net.1.1
dns_service=$net.1.10
link=baas-${net/./-} # the one network device on this machine's side; names the cgroups too
kubeconfig=$state/kubeconfig

export KUBECACHEDIR=$state/kubectl-cache
PATH=$programs:$PATH:/usr/sbin:/sbin

die() {
  echo "$*" >&2
  exit 1
}

# The state folder of the cluster that has these addresses now, of this checkout or another.
owner_of_addresses() { cat "/sys/class/net/$link/ifalias" 2>/dev/null || echo nobody; }

# True while the node that `up` started lives. The namespace's number tells it from a process that got the same id later.
node_lives() {
  [[ -f $state/node ]] || return 1
  read -r node_pid node_namespace <"$state/node"
  [[ $(readlink "/proc/$node_pid/ns/net") == "$node_namespace" ]]
}

# Runs a command in the node: its processes, mounts, network and host name.
in_node() {
  node_lives || die "The cluster of $state does not run: start it with hack/cluster/up."
  nsenter --target "$node_pid" --all -- "$@"
}
