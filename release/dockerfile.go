package main

import (
	"fmt"
	"maps"
	"os"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// recipe is what a Dockerfile says of an image.
type recipe struct {
	config v1.Config
	copies []copied
}

// copied is an instruction COPY.
type copied struct{ from, to string }

// readDockerfile reads a Dockerfile, so that the image of the release is the one that the file describes. It knows what
// the file has, and fails at anything else: https://docs.docker.com/reference/dockerfile/.
func readDockerfile(file string) (recipe, error) {
	f, err := os.Open(file)
	if err != nil {
		return recipe{}, err
	}
	defer f.Close()
	parsed, err := parser.Parse(f)
	if err != nil {
		return recipe{}, fmt.Errorf("%s: %w", file, err)
	}
	stages, arguments, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return recipe{}, fmt.Errorf("%s: %w", file, err)
	}
	if len(stages) != 1 || stages[0].BaseName != "scratch" || len(arguments) > 0 {
		return recipe{}, fmt.Errorf("%s: not just one image from scratch", file)
	}
	r := recipe{config: v1.Config{Labels: map[string]string{}, ExposedPorts: map[string]struct{}{}}}
	for _, instruction := range stages[0].Commands {
		if err := r.add(instruction); err != nil {
			return recipe{}, fmt.Errorf("%s:%d: %w", file, instruction.Location()[0].Start.Line, err)
		}
	}
	return r, nil
}

// add does one instruction.
func (r *recipe) add(instruction instructions.Command) error {
	if err := expand(instruction); err != nil {
		return err
	}
	switch i := instruction.(type) {
	case *instructions.LabelCommand:
		for _, label := range i.Labels {
			r.config.Labels[label.Key] = label.Value
		}
	case *instructions.CopyCommand:
		return r.addCopy(i)
	case *instructions.UserCommand:
		r.config.User = i.User
	case *instructions.ExposeCommand:
		return r.addPorts(i)
	case *instructions.EntrypointCommand:
		if i.PrependShell {
			return fmt.Errorf("%s wants a shell", instruction.Name())
		}
		r.config.Entrypoint = i.CmdLine
	default:
		return fmt.Errorf("%s is not known here", instruction.Name())
	}
	return nil
}

// addPorts adds an instruction EXPOSE.
func (r *recipe) addPorts(i *instructions.ExposeCommand) error {
	for _, port := range i.Ports {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fmt.Errorf("%s of anything but a number is not known here", i.Name())
		}
		r.config.ExposedPorts[port+"/tcp"] = struct{}{}
	}
	return nil
}

// addCopy adds an instruction COPY of one file without flags.
func (r *recipe) addCopy(i *instructions.CopyCommand) error {
	flags := i.From != "" || i.Chown != "" || i.Chmod != "" || i.Link || i.Parents || len(i.ExcludePatterns) > 0
	if flags || len(i.SourcePaths) != 1 || len(i.SourceContents) > 0 {
		return fmt.Errorf("%s is known here for one file only, and without flags", i.Name())
	}
	r.copies = append(r.copies, copied{from: i.SourcePaths[0], to: i.DestPath})
	return nil
}

// expand takes the quotes away.
func expand(instruction instructions.Command) error {
	expandable, ok := instruction.(instructions.SupportsSingleWordExpansion)
	if !ok {
		return nil
	}
	lex := shell.NewLex('\\')
	return expandable.Expand(func(word string) (string, error) {
		expanded, unset, err := lex.ProcessWord(word, shell.EnvsFromSlice(nil))
		for variable := range maps.Keys(unset) {
			return "", fmt.Errorf("%s has no value", variable)
		}
		return expanded, err
	})
}
