//go:build real

package secured

import "testing"

func (p *plant) refused(t *testing.T)  {}
func (p *plant) rotation(t *testing.T) {}
