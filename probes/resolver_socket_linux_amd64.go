package probes

// sysSendmmsg is the number of sendmmsg(2), which the frozen syscall package lacks.
const sysSendmmsg = 307
