package httpapi

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"clipseek/orchestrator/webui"
)

// page serves the page, whose files hold no data of a user.
func (s *Server) page(site *webui.Site) {
	for _, path := range site.Paths() {
		file, _ := site.File(path)
		s.app.Get(path, func(c *fiber.Ctx) error {
			for _, header := range webui.SecurityHeaders() {
				c.Set(header.Name, header.Value)
			}
			c.Set(fiber.HeaderCacheControl, webui.CacheControl)
			c.Set(fiber.HeaderETag, file.ETag)
			if c.Get(fiber.HeaderIfNoneMatch) == file.ETag {
				return c.SendStatus(http.StatusNotModified)
			}
			c.Set(fiber.HeaderContentType, file.ContentType)
			return c.Send(file.Body)
		})
	}
}

// isPage reports whether a path belongs to the page or describes the API; both are the same for everyone.
func isPage(path string) bool {
	switch path {
	case "/", "/docs", "/openapi.json":
		return true
	}
	return strings.HasPrefix(path, "/assets/")
}
