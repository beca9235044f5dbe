package billsim

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// PipeTransport returns a transport whose connections are net.Pipes to a server of h, whatever the address. This is
// HTTP without sockets, so it works inside a testing/synctest bubble. https URLs are not encrypted. stop ends both
// sides, cancels requests that are still served and waits for the server.
func PipeTransport(h http.Handler) (transport *http.Transport, stop func()) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // always ErrServerClosed: the listener does not fail otherwise
	}()
	transport = &http.Transport{DialContext: l.dial, DialTLSContext: l.dial}
	return transport, func() {
		transport.CloseIdleConnections()
		_ = server.Close() // closing a pipe cannot fail
		<-served
	}
}

// pipeListener accepts the server ends of the pipes that dial makes.
type pipeListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
